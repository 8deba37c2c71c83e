//! Counts the values of calls in the histograms that drift is computed from.

use std::time::Duration;

use understudy_contract::routing::DriftRules;
use understudy_stats::{Baseline, ColumnRole, Drift, Monitor, ValueType};

use super::rows::CountedRows;
use crate::{
    call::Call,
    columns::{Column, Columns},
    tensor::{Data, Datatype, Tensor},
};

/// Length of the window until the routing file has one.
const DEFAULT_WINDOW: Duration = Duration::from_hours(1);

/// Tracks the distribution of the columns that are in the baseline.
pub struct Tracker {
    baseline: Baseline,
    inputs: Vec<(Column, usize)>,
    outputs: Vec<(Column, usize)>,
    window: Duration,
    monitor: Monitor,
}

/// A message that names a column of the baseline that the model does not have, or has with values of another type. `None` if
/// the baseline fits.
#[must_use]
pub fn mismatch(baseline: &Baseline, columns: &Columns) -> Option<String> {
    baseline.columns().iter().find_map(|column| {
        let (role, name) = (column.role.as_str(), &column.name);
        let known = known(columns, column.role);
        let Some(found) = known.clone().find(|each| each.name == *name) else {
            let names: Vec<_> = known.map(|each| format!("`{}`", each.name)).collect();
            let names = names.join(", ");
            return Some(format!(
                "the baseline has the {role} `{name}`, which the model does not have; it has {names}"
            ));
        };
        // Numbers and booleans are often converted on the way to the model. Text is not.
        let is_text = column.value_type? == ValueType::Text;
        let (here, there) = if is_text { ("text", "numbers") } else { ("numbers", "text") };
        (is_text != (found.datatype == Datatype::Bytes)).then(|| {
            format!(
                "the {role} `{name}` has {here} in the baseline and {there} ({}) in the model: make the baseline from what \
                 the model gets",
                found.datatype
            )
        })
    })
}

/// A message about outputs that the baseline counts as a whole, although each class has a column. `None` without any.
///
/// All classes in one column look the same if two of them are exchanged.
#[must_use]
pub fn blind_spot(baseline: &Baseline, columns: &Columns) -> Option<String> {
    let of_classes = |name: &str| {
        let output = columns.outputs.iter().find(|output| output.name == name)?;
        columns.scores.iter().find(|score| score.tensor == output.tensor)
    };
    baseline.columns().iter().filter(|column| column.role == ColumnRole::Output).find_map(|column| {
        let score = of_classes(&column.name)?;
        Some(format!(
            "the baseline counts all classes of the output `{}` together, so it cannot see that two are exchanged: make it \
             again with `understudy baseline`, which counts each class, for example `{}`",
            column.name, score.name
        ))
    })
}

/// The columns of a model that a baseline may have.
fn known(columns: &Columns, role: ColumnRole) -> impl Iterator<Item = &Column> + Clone {
    let (some, others): (&[Column], &[Column]) = match role {
        ColumnRole::Input => (&columns.inputs, &[]),
        ColumnRole::Output => (&columns.outputs, &columns.scores),
    };
    some.iter().chain(others)
}

impl Tracker {
    /// A tracker without values. Columns that are not in the baseline are ignored.
    #[must_use]
    pub fn new(baseline: Baseline, columns: &Columns) -> Self {
        let monitor = Monitor::new(&baseline, DEFAULT_WINDOW);
        let measured = |role| {
            let index = |column: &Column| Some((column.clone(), monitor.index(role, &column.name)?));
            known(columns, role).filter_map(index).collect()
        };
        Self {
            inputs: measured(ColumnRole::Input),
            outputs: measured(ColumnRole::Output),
            window: DEFAULT_WINDOW,
            monitor,
            baseline,
        }
    }

    /// Moves the window to `now`, in seconds since 1970. Another length of the window discards all values.
    pub fn follow(&mut self, rules: Option<&DriftRules>, now: u64) {
        let window = rules.map_or(DEFAULT_WINDOW, |rules| Duration::from_secs(rules.window_seconds));
        if window != self.window {
            self.window = window;
            self.monitor = Monitor::new(&self.baseline, window);
        }
        self.monitor.advance(now);
    }

    /// Counts the inputs of a call and main's outputs: of each feature, one value for each of `rows`.
    pub fn count(&mut self, call: &Call, rows: CountedRows) {
        self.monitor.rows(rows.counted());
        for (columns, tensors) in [(&self.inputs, &call.inputs), (&self.outputs, &call.main.outputs)] {
            for (column, index) in columns {
                if let Some(tensor) = tensors.get(column.tensor) {
                    values(&mut self.monitor, *index, column, tensor, rows);
                }
            }
        }
    }

    /// The distance from the baseline.
    #[must_use]
    pub fn drift(&self) -> Drift {
        self.monitor.drift()
    }
}

fn values(monitor: &mut Monitor, index: usize, column: &Column, tensor: &Tensor, rows: CountedRows) {
    let sampled = rows.are_sampled_in(tensor);
    macro_rules! each {
        ($elements:expr, $value:ident => $count:expr) => {
            for row in rows.slices($elements, sampled) {
                for $value in column.values(tensor, row) {
                    $count;
                }
            }
        };
    }
    match &tensor.data {
        Data::Bool(all) => each!(all, value => monitor.boolean(index, *value)),
        Data::Uint8(all) => each!(all, value => monitor.integer(index, i64::from(*value))),
        Data::Uint16(all) => each!(all, value => monitor.integer(index, i64::from(*value))),
        Data::Uint32(all) => each!(all, value => monitor.integer(index, i64::from(*value))),
        // A number above the largest signed one is counted as the largest: it is in the last bin, or in no category.
        Data::Uint64(all) => {
            each!(all, value => monitor.integer(index, i64::try_from(*value).unwrap_or(i64::MAX)))
        }
        Data::Int8(all) => each!(all, value => monitor.integer(index, i64::from(*value))),
        Data::Int16(all) => each!(all, value => monitor.integer(index, i64::from(*value))),
        Data::Int32(all) => each!(all, value => monitor.integer(index, i64::from(*value))),
        Data::Int64(all) => each!(all, value => monitor.integer(index, *value)),
        Data::Fp16(all) => each!(all, value => monitor.number(index, value.to_f64())),
        Data::Bf16(all) => each!(all, value => monitor.number(index, value.to_f64())),
        Data::Fp32(all) => each!(all, value => monitor.number(index, f64::from(*value))),
        Data::Fp64(all) => each!(all, value => monitor.number(index, *value)),
        Data::Bytes(all) => each!(all, value => monitor.category(index, value)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::json;

    use super::*;
    use crate::{
        call::{Answered, Shadow},
        signature::{Port, Signature},
    };

    fn port(name: &str, datatype: Datatype, shape: &[i64]) -> Port {
        Port::new(name, datatype, shape)
    }

    fn call(inputs: Vec<Tensor>, outputs: Vec<Tensor>, rows: u64) -> Call {
        Call {
            id: String::new(),
            at: SystemTime::UNIX_EPOCH,
            traceparent: None,
            record: false,
            main: Answered { status: 200, outputs, ..Answered::default() },
            inputs,
            rows,
            challenger: Shadow::None,
        }
    }

    fn columns() -> Columns {
        let signature = Signature {
            inputs: vec![port("x", Datatype::Fp32, &[-1, 2])],
            outputs: vec![port("label", Datatype::Int64, &[-1])],
        };
        Columns::of(&signature, Some(&["age".to_owned(), "amount".to_owned()]))
    }

    fn baseline(more: &serde_json::Value) -> Baseline {
        let mut columns = json!([
            {"role": "input", "name": "age", "kind": "numeric", "edges": [0, 50, 100], "counts": [5, 5], "missing": 0},
            {"role": "output", "name": "label", "kind": "categorical", "counts": {"0": 9, "1": 1}, "other": 0, "missing": 0},
        ]);
        columns.as_array_mut().unwrap().extend(more.as_array().unwrap().clone());
        Baseline::parse(json!({"version": 1, "columns": columns}).to_string().as_bytes()).unwrap()
    }

    #[test]
    fn each_row_of_a_call_is_counted_for_each_feature_and_output() {
        let mut tracker = Tracker::new(baseline(&json!([])), &columns());
        tracker.follow(None, 1_000_000);
        let labels = Tensor { shape: vec![3], data: Data::Int64(vec![0, 1, 7]) };
        let ages = Data::Fp32(vec![20.0, 1e9, 70.0, 1e9, f32::NAN, 1e9]);
        let call = call(vec![Tensor { shape: vec![3, 2], data: ages }], vec![labels], 3);
        tracker.count(&call, CountedRows::of(&call));
        let found = tracker.drift().columns;
        assert_eq!((&found[0].observed, found[0].missing), (&vec![1, 1], 1));
        assert_eq!(found[1].observed, [1, 1, 1]);
    }

    // In one sample with both classes, p and 1 - p look the same: PSI was 0.0003, and 4.86 of the second class alone.
    #[test]
    fn scores_of_two_classes_that_are_swapped_drift() {
        let outputs = vec![port("label", Datatype::Int64, &[-1]), port("p", Datatype::Fp32, &[-1, 2])];
        let columns = Columns::of(&Signature { inputs: Vec::new(), outputs }, None);
        let baseline = json!({"version": 1, "columns": [
            {"role": "output", "name": "p[1]", "kind": "numeric", "edges": [0, 0.1, 0.5, 1], "counts": [900, 50, 50]},
        ]});
        let baseline = Baseline::parse(baseline.to_string().as_bytes()).unwrap();
        assert_eq!(mismatch(&baseline, &columns), None);
        let psi = |score: fn(f32) -> f32| {
            let mut tracker = Tracker::new(baseline.clone(), &columns);
            tracker.follow(None, 1_000_000);
            // Distributed as in the training data.
            for (often, second) in [(900, 0.05), (50, 0.3), (50, 0.7)] {
                let second = score(second);
                let scores = Tensor { shape: vec![1, 2], data: Data::Fp32(vec![1.0 - second, second]) };
                let label = Tensor { shape: vec![1], data: Data::Int64(vec![0]) };
                let call = call(Vec::new(), vec![label, scores], 1);
                (0..often).for_each(|_| tracker.count(&call, CountedRows::of(&call)));
            }
            let [column] = &tracker.drift().columns[..] else { panic!("one column") };
            assert_eq!(column.samples(), 1_000);
            column.psi().unwrap()
        };
        let (same, swapped) = (psi(|score| score), psi(|score| 1.0 - score));
        assert!(same < 0.01 && swapped > 4.0, "{same} {swapped}");
    }

    #[test]
    fn another_length_of_the_window_is_followed() {
        let mut tracker = Tracker::new(baseline(&json!([])), &columns());
        let drift = DriftRules { window_seconds: 60, min_samples: 1, psi: 0.1, false_alarms: 0.01 };
        tracker.follow(Some(&drift), 1_000_000);
        assert_eq!(tracker.drift().window_seconds, 60);
    }

    #[test]
    fn a_baseline_of_another_model_is_recognized_by_its_columns() {
        let alien = json!([{"role": "input", "name": "shoe_size", "kind": "numeric", "edges": [0, 1], "counts": [1], "missing": 0}]);
        assert_eq!(mismatch(&baseline(&json!([])), &columns()), None);
        assert_eq!(
            mismatch(&baseline(&alien), &columns()).unwrap(),
            "the baseline has the input `shoe_size`, which the model does not have; it has `age`, `amount`"
        );
    }
}
