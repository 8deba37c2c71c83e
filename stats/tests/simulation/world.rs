//! Random data with a fixed seed.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use understudy_stats::{Baseline, Monitor};

/// The numbers of one test. `name` and `round` make them its own.
pub fn random(name: &str, round: u64) -> ChaCha8Rng {
    let seed = name.bytes().fold(round, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte)));
    ChaCha8Rng::seed_from_u64(seed)
}

/// A distribution over categories.
pub struct Categories {
    cumulative: Vec<f64>,
}

impl Categories {
    /// Categories with these weights.
    pub fn of(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let cumulative = weights.into_iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { cumulative: cumulative.collect() }
    }

    /// `count` categories whose shares follow Zipf's law: the second one is half as frequent as the first.
    pub fn zipf(count: u32) -> Self {
        Self::of((1..=count).map(|rank| 1.0 / f64::from(rank)))
    }

    /// How often each category occurs among `rows`.
    pub fn counts(&self, rows: u32, random: &mut ChaCha8Rng) -> Vec<u64> {
        let mut counts = vec![0; self.cumulative.len()];
        let all = self.cumulative.last().copied().unwrap_or_default();
        for _ in 0..rows {
            let drawn = random.random::<f64>() * all;
            let place = self.cumulative.partition_point(|edge| *edge <= drawn);
            counts[place.min(self.cumulative.len() - 1)] += 1;
        }
        counts
    }
}

/// True with this probability.
pub fn chance(probability: f64, random: &mut ChaCha8Rng) -> bool {
    random.random::<f64>() < probability
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Missing,
}

/// The rows of a table by column, each with its name.
pub type Table = Vec<(String, Vec<Value>)>;

/// The baseline of a table, with the same rules as `understudy baseline`: ten bins of about equal shares, and the rows in
/// `chunks` parts. `hours` are the hours of the rows, if the training data have seasons.
pub fn baseline(table: &Table, chunks: usize, hours: Option<&[usize]>) -> Baseline {
    let rows = table[0].1.len();
    let length = rows.checked_div(chunks).unwrap_or(rows);
    let periods = hours.map_or(1, |_| 24);
    let parts: Vec<Vec<usize>> =
        (0..chunks).map(|chunk| (chunk * length..(chunk + 1) * length).collect()).collect();
    let hour = |row: usize| hours.map_or(0, |hours| hours[row]);
    let seasons: Vec<Vec<usize>> =
        (0..periods).map(|period| (0..rows).filter(|row| hour(*row) == period).collect()).collect();
    let by_period = |part: &Vec<usize>| -> Vec<usize> {
        (0..periods).map(|period| part.iter().filter(|row| hour(**row) == period).count()).collect()
    };
    let columns: Vec<_> = table
        .iter()
        .map(|(name, values)| {
            let mut column = of_column(name, values);
            let counts = |part: &Vec<usize>| cells(&column, part.iter().map(|row| &values[*row]));
            let of_chunks: Vec<_> = parts.iter().map(counts).collect();
            let of_seasons: Vec<_> = seasons.iter().map(counts).collect();
            column["chunks"] = json!(of_chunks);
            if hours.is_some() {
                column["seasons"] = json!(of_seasons);
            }
            column
        })
        .collect();
    let chunks: Vec<_> = parts.iter().map(by_period).collect();
    let mut file = json!({"version": 1, "columns": columns, "chunks": chunks});
    if hours.is_some() {
        file["seasons"] = json!("hour");
    }
    Baseline::parse(file.to_string().as_bytes()).expect("the baseline is valid")
}

fn of_column(name: &str, values: &[Value]) -> serde_json::Value {
    let mut numbers: Vec<f64> = values
        .iter()
        .filter_map(|value| if let Value::Number(number) = value { Some(*number) } else { None })
        .collect();
    let missing = values.iter().filter(|value| **value == Value::Missing).count();
    if numbers.is_empty() {
        let mut counts = BTreeMap::<&str, u64>::new();
        for value in values {
            if let Value::Text(text) = value {
                *counts.entry(text).or_default() += 1;
            }
        }
        return json!({"role": "input", "name": name, "kind": "categorical", "type": "text", "counts": counts, "missing": missing});
    }
    numbers.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = (0..=10).map(|bin| numbers[(bin * (numbers.len() - 1)) / 10]).collect();
    edges.dedup();
    if let [only] = edges[..] {
        edges = [-0.002, -0.001, 0.001, 0.002].map(|step| only + step).to_vec();
    }
    #[expect(clippy::cast_precision_loss, reason = "some thousands")]
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let deviation = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / n).sqrt();
    let mut column = json!({"role": "input", "name": name, "kind": "numeric", "type": "float", "edges": edges,
        "missing": missing, "mean": mean, "deviation": deviation});
    let mut counts = cells(&column, values.iter());
    counts.pop();
    column["counts"] = json!(counts);
    column
}

/// The counts of values in the bins or categories of a column, and of missing ones.
fn cells<'v>(column: &serde_json::Value, values: impl Iterator<Item = &'v Value>) -> Vec<u64> {
    let edges: Option<Vec<f64>> = column.get("edges").map(|edges| {
        edges.as_array().expect("a list").iter().filter_map(serde_json::Value::as_f64).collect()
    });
    let names: Vec<&String> = column
        .get("counts")
        .and_then(|counts| counts.as_object())
        .map(|counts| counts.keys().collect())
        .unwrap_or_default();
    let bins = edges.as_ref().map_or(names.len() + 1, |edges| edges.len() - 1);
    let mut counts = vec![0; bins + 1];
    for value in values {
        let cell = match (value, &edges) {
            (Value::Number(number), Some(edges)) => {
                edges.partition_point(|edge| edge <= number).saturating_sub(1).min(bins - 1)
            }
            (Value::Text(text), None) => names.binary_search(&text).unwrap_or(bins - 1),
            _ => bins,
        };
        counts[cell] += 1;
    }
    counts
}

/// Counts one row of a table in a monitor of its baseline.
pub fn count(monitor: &mut Monitor, table: &Table, row: usize) {
    monitor.rows(1);
    for (index, (_, values)) in table.iter().enumerate() {
        match &values[row] {
            Value::Number(number) => monitor.number(index, *number),
            Value::Text(text) => monitor.category(index, text),
            Value::Missing => monitor.missing(index),
        }
    }
}
