//! Comparison, drift and outcomes as gauges for Prometheus. They are set when Prometheus reads them.

use prometheus::{GaugeVec, IntGauge};
use understudy_contract::routing::DriftRules;
use understudy_stats::{Comparison, Estimate, Role, Summary};

use super::{
    drift_gauges::DriftGauges,
    evaluation_gauges::EvaluationGauges,
    interval_gauges::{Interval, real, signed},
    outcome_gauges::OutcomeGauges,
};
use crate::metrics::Family;

/// Gauges of comparison, drift and outcomes.
pub struct Gauges {
    pairs: IntGauge,
    since: IntGauge,
    compared: GaugeVec,
    agreed: GaugeVec,
    left_out: GaugeVec,
    agreement: Interval,
    difference: Interval,
    correlation: Interval,
    availability: Interval,
    errors: Interval,
    latency: Interval,
    more_errors: Interval,
    outcomes: OutcomeGauges,
    evaluation: EvaluationGauges,
    drift: Option<DriftGauges>,
}

impl Gauges {
    /// Registers the gauges.
    #[must_use]
    pub fn new(family: &Family, has_baseline: bool) -> Self {
        let interval = |name, help, labels: &[&str]| Interval::new(family, name, help, labels);
        Self {
            pairs: family.gauge(
                "understudy_comparison_pairs",
                "Rows that main and the current challenger both answered",
            ),
            since: family.gauge(
                "understudy_comparison_since_timestamp_seconds",
                "Start of the comparison with the current challenger, in seconds since 1970. 0 without a challenger",
            ),
            compared: family.gauges(
                "understudy_comparison_compared",
                "Compared values of an output",
                &["output"],
            ),
            left_out: family.gauges(
                "understudy_comparison_left_out",
                "Values of an output that cannot be compared: not a number, infinite, or of different shapes",
                &["output"],
            ),
            agreed: family.gauges(
                "understudy_comparison_agreed",
                "Labels of an output on which main and challenger agreed",
                &["output"],
            ),
            agreement: interval(
                "understudy_comparison_agreement_ratio",
                "Ratio of labels on which main and challenger agreed",
                &["output"],
            ),
            difference: interval(
                "understudy_comparison_mean_absolute_difference",
                "Mean absolute difference between main's and the challenger's numbers",
                &["output"],
            ),
            correlation: interval(
                "understudy_comparison_correlation",
                "Correlation of the numbers of main and challenger",
                &["output"],
            ),
            errors: interval(
                "understudy_comparison_error_ratio",
                "Ratio of errors among the copied calls that both have answered",
                &["role"],
            ),
            availability: interval(
                "understudy_comparison_availability_ratio",
                "Ratio of copied calls that the challenger answered, with a prediction or an error",
                &[],
            ),
            latency: interval(
                "understudy_comparison_latency_seconds",
                "Time of copied calls from the end of the request's body to the end of the inference, in seconds. Without an answer in time, at least the timeout",
                &["role", "quantile"],
            ),
            more_errors: interval(
                "understudy_comparison_error_difference",
                "Error ratio of the challenger less that of main, on the calls that both have answered",
                &[],
            ),
            outcomes: OutcomeGauges::new(family),
            evaluation: EvaluationGauges::new(family),
            drift: has_baseline.then(|| DriftGauges::new(family)),
        }
    }

    /// Sets the gauges. `rules` are absent until the routing file has them.
    pub fn update(&self, summary: &Summary, rules: Option<&DriftRules>) {
        self.update_comparison(summary.comparison.as_ref());
        self.outcomes.update(summary.outcomes.as_ref());
        self.evaluation.update(summary.outcomes.as_ref());
        if let Some(drift) = &self.drift {
            drift.update(summary.drift.as_ref(), rules);
        }
    }

    fn update_comparison(&self, comparison: Option<&Comparison>) {
        for gauges in [&self.compared, &self.agreed, &self.left_out] {
            gauges.reset();
        }
        for interval in [
            &self.agreement,
            &self.difference,
            &self.correlation,
            &self.availability,
            &self.errors,
            &self.more_errors,
            &self.latency,
        ] {
            interval.reset();
        }
        self.pairs.set(comparison.map_or(0, |comparison| signed(comparison.pairs())));
        self.since.set(comparison.map_or(0, |comparison| signed(comparison.since())));
        let Some(comparison) = comparison else { return };
        for (index, (output, _)) in comparison.outputs().enumerate() {
            self.compared.with_label_values(&[output]).set(real(comparison.compared(index)));
            self.left_out.with_label_values(&[output]).set(real(comparison.left_out(index)));
            let agreement = comparison.agreement(index);
            if agreement.is_some() {
                self.agreed.with_label_values(&[output]).set(real(comparison.agreed(index)));
            }
            self.agreement.set(&[output], agreement);
            self.difference.set(&[output], comparison.mean_absolute_difference(index));
            self.correlation.set(&[output], comparison.correlation(index));
        }
        self.availability.set(&[], comparison.availability());
        self.more_errors.set(&[], comparison.error_difference());
        for role in Role::ALL {
            self.errors.set(&[role.as_str()], comparison.error_rate(role));
            for (quantile, name) in [(0.5, "0.5"), (0.99, "0.99")] {
                let latency = comparison.latency(role, quantile).map(|latency| Estimate {
                    value: latency.value.as_secs_f64(),
                    low: latency.low.as_secs_f64(),
                    high: latency.high.map_or(f64::INFINITY, |high| high.as_secs_f64()),
                });
                self.latency.set(&[role.as_str(), name], latency);
            }
        }
    }
}
