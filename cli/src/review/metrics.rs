//! The evaluation next to that of main, and the results of the metric gates for Production.

use serde::Serialize;
use understudy_crds::{Evaluation, Gate};

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricRow {
    /// Its name.
    pub name: String,
    /// Its value; `None` if only a metric gate names the metric.
    pub value: Option<f64>,
    /// Main's value.
    pub main: Option<f64>,
    /// `value - main`.
    pub difference: Option<f64>,
    /// The results of the metric gates on it.
    pub gates: Vec<GateResult>,
}

/// The result of one rule of a metric gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GateResult {
    /// The rule, in words.
    pub rule: String,
    /// Whether the metric satisfies it.
    pub holds: bool,
}

/// A row for each metric in the order of the evaluation, then one for each metric that only a metric gate names.
pub fn rows(own: Option<&Evaluation>, main: Option<&Evaluation>, gates: &[Gate]) -> Vec<MetricRow> {
    let measured = own.map(|e| e.metrics.as_slice()).unwrap_or_default();
    let missing = gates.iter().map(|g| &g.metric).filter(|name| measured.iter().all(|m| m.name != **name));
    measured
        .iter()
        .map(|m| &m.name)
        .chain(missing)
        .map(|name| {
            let value = own.and_then(|e| e.metric(name));
            let of_main = main.and_then(|e| e.metric(name));
            MetricRow {
                name: name.clone(),
                value,
                main: of_main,
                difference: value.zip(of_main).map(|(value, main)| rounded(value - main)),
                gates: gates
                    .iter()
                    .filter(|g| g.metric == *name)
                    .flat_map(|g| results(g, value, of_main))
                    .collect(),
            }
        })
        .collect()
}

fn results(gate: &Gate, value: Option<f64>, main: Option<f64>) -> Vec<GateResult> {
    let at_least = |bound: f64| value.is_some_and(|value| value >= bound);
    let least = gate.min.map(|min| GateResult { rule: format!("at least {min}"), holds: at_least(min) });
    // If main does not have the metric, no value is worse.
    let not_worse = gate.not_worse_than_main.then(|| GateResult {
        rule: "not worse than main".to_owned(),
        holds: value.is_some() && main.is_none_or(at_least),
    });
    least.into_iter().chain(not_worse).collect()
}

/// Nine decimals: 0.9964 - 0.999 is -0.0026, not -0.0025999999999999357.
fn rounded(difference: f64) -> f64 {
    (difference * 1e9).round() / 1e9
}
