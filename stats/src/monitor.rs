//! Counts the values of calls in the bins of the baseline, over a sliding window. Counting and moving the window
//! allocate nothing. Memory use depends on the size of the baseline only.

use std::{collections::HashMap, time::Duration};

use crate::{
    baseline::{Baseline, BaselineColumn, Values},
    categories::Categories,
    column::{ColumnKind, ColumnRole, ValueType},
    drift::{ColumnDrift, Drift},
    natural::Natural,
    numbers::Numbers,
    real::real,
    season::Season,
    training::{Training, natural_of},
};

/// The window has this many parts, and moves by one part.
const PARTS: usize = 12;

/// How much the rows of a call are taken to be alike: their intra-class correlation. A batch is sorted, or comes from one
/// customer. Surveys usually have 0.01 to 0.05.
const ALIKE: f64 = 0.05;

/// The cells of a column after those of its bins or categories.
const MISSING: usize = 0;
const BELOW: usize = 1;
const ABOVE: usize = 2;
const MISTYPED: usize = 3;
const EXTRA: usize = 4;

/// Counts of one pod, by column of the baseline, over the last `window`.
///
/// The window is a ring of twelve parts: the eleven last complete parts and the current one. Memory is 48 bytes for each bin
/// or category and 1 kB for each column: about 32 MB for the largest accepted baseline, and about 50 kB for a typical one
/// with 30 columns of ten bins. Seasons need eight bytes for each of their counts in the file: at most 16 MB.
#[derive(Debug)]
pub struct Monitor {
    window: Duration,
    columns: Vec<Column>,
    places: [HashMap<String, usize>; 2],
    cells: usize,
    /// All cells of the first part, then of the second, and so on.
    counts: Vec<u32>,
    /// The sums of all columns in the first part, then in the second, and so on.
    numbers: Vec<Numbers>,
    season: Option<Season>,
    /// The rows of each part, by period of the season.
    rows: Vec<u64>,
    /// The sum of the squared numbers of rows of the calls of each part.
    squares: [f64; PARTS],
    /// The current part.
    current: usize,
    /// The current period of the season.
    period: usize,
    /// The number of the current part since 1970. `None` before the first `advance`.
    slot: Option<u64>,
}

#[derive(Debug)]
struct Column {
    baseline: BaselineColumn,
    bins: Bins,
    /// Index of its first cell.
    first: usize,
    natural: Natural,
    natural_missing: Natural,
}

#[derive(Debug)]
enum Bins {
    Edges(Vec<f64>),
    Names(Categories),
}

impl Bins {
    /// The number of cells for values: one for each bin, or one for each category and one for all others.
    fn len(&self) -> usize {
        match self {
            Self::Edges(edges) => edges.len() - 1,
            Self::Names(categories) => categories.len() + 1,
        }
    }
}

impl Monitor {
    /// A monitor without counts.
    #[must_use]
    pub fn new(baseline: &Baseline, window: Duration) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        let mut places = [HashMap::new(), HashMap::new()];
        let mut cells = 0;
        for column in baseline.columns() {
            let bins = match &column.values {
                Values::Numeric { edges, .. } => Bins::Edges(edges.clone()),
                Values::Categorical { counts, .. } => {
                    Bins::Names(Categories::new(counts.iter().map(|(name, _)| name.as_str())))
                }
            };
            places[column.role as usize].insert(column.name.clone(), columns.len());
            let first = cells;
            cells += bins.len() + EXTRA;
            let (natural, natural_missing) = natural_of(column, baseline.chunks());
            columns.push(Column { baseline: column.clone(), bins, first, natural, natural_missing });
        }
        let season = baseline.season();
        Self {
            window,
            cells,
            counts: vec![0; PARTS * cells],
            numbers: vec![Numbers::default(); PARTS * columns.len()],
            season,
            rows: vec![0; PARTS * season.map_or(1, Season::periods)],
            squares: [0.0; PARTS],
            columns,
            places,
            current: 0,
            period: 0,
            slot: None,
        }
    }

    /// The index of a column for the methods below. Look it up once, not for every call. `None` if the baseline does
    /// not have the column.
    #[must_use]
    pub fn index(&self, role: ColumnRole, name: &str) -> Option<usize> {
        self.places[role as usize].get(name).copied()
    }

    /// How a column is counted.
    #[must_use]
    pub fn kind(&self, index: usize) -> Option<ColumnKind> {
        self.columns.get(index).map(|column| column.baseline.kind())
    }

    /// Counts the rows of a call. They tell which periods of the season the calls of the window come from.
    pub fn rows(&mut self, rows: u64) {
        let count = &mut self.rows[self.current * self.season.map_or(1, Season::periods) + self.period];
        *count = count.saturating_add(rows);
        self.squares[self.current] += real(rows) * real(rows);
    }

    /// How many of `values` values of the calls say as much as one independent value: L. Kish, Survey Sampling (1965) 5.4, for
    /// calls of different sizes. A row may have several values of a column, such as the pixels of an image.
    fn design_effect(&self, values: u64) -> f64 {
        let rows = real(self.rows.iter().sum());
        if rows <= 0.0 {
            return 1.0;
        }
        let of_row = (real(values) / rows).max(1.0);
        let size = of_row * self.squares.iter().sum::<f64>() / rows;
        1.0 + ALIKE * (size - 1.0).max(0.0)
    }

    /// Counts a number. NaN counts as missing. In a categorical column the number matches the category with that text.
    ///
    /// This method and those below ignore an unknown index.
    pub fn number(&mut self, index: usize, value: f64) {
        let Some(column) = self.columns.get(index) else { return };
        if value.is_nan() {
            return self.count(column.first + column.bins.len() + MISSING);
        }
        let extra = column.first + column.bins.len();
        match &column.bins {
            Bins::Edges(edges) => {
                let last = edges.len() - 1;
                // The number of edges that are not above the value. 0 if it is below the first bin.
                let passed = edges.partition_point(|edge| *edge <= value);
                let bin = column.first + passed.saturating_sub(1).min(last - 1);
                let outside = if passed == 0 { Some(BELOW) } else { (value > edges[last]).then_some(ABOVE) };
                let outer = (edges[0], edges[last]);
                let center = column.baseline.moments.map_or(0.0, |(mean, _)| mean);
                let is_fraction =
                    column.baseline.value_type == Some(ValueType::Integer) && value.fract() != 0.0;
                self.numbers[self.current * self.columns.len() + index].add(value, center, outer);
                self.count(bin);
                if let Some(outside) = outside {
                    self.count(extra + outside);
                }
                if is_fraction {
                    self.count(extra + MISTYPED);
                }
            }
            Bins::Names(categories) => {
                let cell = column.first + categories.number(value).unwrap_or(categories.len());
                self.count(cell);
            }
        }
    }

    /// Counts a whole number. In a categorical column it matches the category with that text.
    pub fn integer(&mut self, index: usize, value: i64) {
        match self.columns.get(index) {
            Some(Column { bins: Bins::Names(categories), first, .. }) => {
                let cell = first + categories.integer(value).unwrap_or(categories.len());
                self.count(cell);
            }
            #[expect(clippy::cast_precision_loss, reason = "no bin is so narrow that the 54th bit matters")]
            Some(_) => self.number(index, value as f64),
            None => {}
        }
    }

    /// Counts a boolean: as 0 or 1 in a numeric column, as `false` or `true` in a categorical one, or as `0` or `1` if
    /// the baseline has these names.
    pub fn boolean(&mut self, index: usize, value: bool) {
        self.integer(index, i64::from(value));
    }

    /// Counts a text. An unnamed category counts as other. An empty text is missing, as in the CSV file of the training
    /// data, unless the baseline has a category with this name. In a numeric column the text is parsed as a number, and counts
    /// as missing if it is not a number.
    pub fn category(&mut self, index: usize, value: &str) {
        match self.columns.get(index) {
            Some(Column { bins: Bins::Names(categories), first, .. }) => {
                let other = categories.len();
                let cell = match categories.text(value) {
                    Some(category) => category,
                    None if value.is_empty() => other + 1 + MISSING,
                    None => other,
                };
                self.count(first + cell);
            }
            Some(Column { bins, first, .. }) => {
                let mistyped = first + bins.len() + MISTYPED;
                let number = value.trim().parse();
                if number.is_err() && !value.trim().is_empty() {
                    self.count(mistyped);
                }
                self.number(index, number.unwrap_or(f64::NAN));
            }
            None => {}
        }
    }

    /// Counts a row without a value.
    pub fn missing(&mut self, index: usize) {
        if let Some(column) = self.columns.get(index) {
            self.count(column.first + column.bins.len() + MISSING);
        }
    }

    /// Moves the window to `now`, in seconds since 1970, and drops older counts. Later counts belong to that time. A
    /// clock that goes back does not move the window.
    pub fn advance(&mut self, now: u64) {
        let part = (self.window.as_millis() / PARTS as u128).max(1);
        let slot = u64::try_from(u128::from(now) * 1000 / part).unwrap_or(u64::MAX);
        // Updated also if the clock goes back. Otherwise a clock that was once far ahead would stop the window.
        let before = self.slot.replace(slot).unwrap_or(slot);
        let steps = usize::try_from(slot.saturating_sub(before)).unwrap_or(PARTS).min(PARTS);
        for _ in 0..steps {
            self.current = (self.current + 1) % PARTS;
            part_of(&mut self.counts, self.current).fill(0);
            part_of(&mut self.numbers, self.current).fill(Numbers::default());
            part_of(&mut self.rows, self.current).fill(0);
            self.squares[self.current] = 0.0;
        }
        self.period = self.season.map_or(0, |season| season.period(now));
    }

    /// The current counts of the window, next to those of the baseline.
    #[must_use]
    pub fn drift(&self) -> Drift {
        let periods = self.season.map_or(1, Season::periods);
        let of_period = |period: usize| self.rows.iter().skip(period).step_by(periods).sum();
        let rows: Vec<u64> = (0..periods).map(of_period).collect();
        let columns = self.columns.iter().enumerate().map(|column| self.column(column, &rows)).collect();
        Drift { window_seconds: self.window.as_secs(), columns }
    }

    fn column(&self, (index, column): (usize, &Column), rows: &[u64]) -> ColumnDrift {
        let bins = column.bins.len();
        let total = |cell: usize| -> u64 {
            (0..PARTS).map(|part| u64::from(self.counts[part * self.cells + column.first + cell])).sum()
        };
        let baseline = &column.baseline;
        let (edges, names) = match &baseline.values {
            Values::Numeric { edges, .. } => (edges.clone(), Vec::new()),
            Values::Categorical { counts, .. } => {
                (Vec::new(), counts.iter().map(|(name, _)| name.clone()).collect())
            }
        };
        let mut numbers = Numbers::default();
        (0..PARTS).for_each(|part| numbers.merge(&self.numbers[part * self.columns.len() + index]));
        let Training { mut cells, effective_rows } = Training::of(baseline, rows);
        let expected_missing = cells.pop().unwrap_or_default();
        let observed: Vec<u64> = (0..bins).map(total).collect();
        let values = observed.iter().sum::<u64>() + total(bins + MISSING);
        ColumnDrift {
            edges,
            names,
            expected_missing,
            effective_rows,
            design_effect: self.design_effect(values),
            missing: total(bins + MISSING),
            below: total(bins + BELOW),
            above: total(bins + ABOVE),
            mistyped: total(bins + MISTYPED),
            value_type: baseline.value_type,
            moments: baseline.moments,
            numbers,
            natural: column.natural,
            natural_missing: column.natural_missing,
            ..ColumnDrift::new(baseline.role, &baseline.name, baseline.kind(), [cells, observed])
        }
    }

    fn count(&mut self, cell: usize) {
        let count = &mut self.counts[self.current * self.cells + cell];
        *count = count.saturating_add(1);
    }
}

/// The values of one part of the window.
fn part_of<T>(all: &mut [T], part: usize) -> &mut [T] {
    let length = all.len() / PARTS;
    &mut all[part * length..(part + 1) * length]
}

#[cfg(test)]
#[path = "monitor_tests.rs"]
mod tests;
