//! What was seen, as gauges for Prometheus. They are set when they are read.

use prometheus::{GaugeVec, IntGauge};
use understudy_stats::{Comparison, Drift, Estimate, Outcomes, Role, Summary};

use crate::metrics::Family;

/// An estimate and the bounds of its 95 % interval.
struct Interval {
    value: GaugeVec,
    low: GaugeVec,
    high: GaugeVec,
}

impl Interval {
    fn new(family: &Family, name: &str, help: &str, labels: &[&str]) -> Self {
        let bound = |suffix: &str, which: &str| {
            family.gauges(&format!("{name}{suffix}"), &format!("{help}: {which}"), labels)
        };
        Self {
            value: family.gauges(name, help, labels),
            low: bound("_low", "lower bound of the 95 % interval"),
            high: bound("_high", "upper bound of the 95 % interval"),
        }
    }

    fn reset(&self) {
        self.value.reset();
        self.low.reset();
        self.high.reset();
    }

    fn set(&self, labels: &[&str], estimate: Option<Estimate>) {
        if let Some(Estimate { value, low, high }) = estimate {
            self.value.with_label_values(labels).set(value);
            self.low.with_label_values(labels).set(low);
            self.high.with_label_values(labels).set(high);
        }
    }
}

/// All gauges of what was seen.
pub struct Gauges {
    pairs: IntGauge,
    since: IntGauge,
    compared: GaugeVec,
    agreed: GaugeVec,
    agreement: Interval,
    difference: Interval,
    correlation: Interval,
    errors: Interval,
    latency: GaugeVec,
    accuracy: Interval,
}

impl Gauges {
    /// Registers them.
    #[must_use]
    pub fn new(family: &Family) -> Self {
        let interval = |name, help, labels: &[&str]| Interval::new(family, name, help, labels);
        Self {
            pairs: family.gauge(
                "understudy_comparison_pairs",
                "Calls that main and the present challenger have both answered",
            ),
            since: family.gauge(
                "understudy_comparison_since_timestamp_seconds",
                "When the comparison with the present challenger began; 0 without one",
            ),
            compared: family.gauges(
                "understudy_comparison_compared",
                "Values of an output of main and challenger that were compared",
                &["output"],
            ),
            agreed: family.gauges(
                "understudy_comparison_agreed",
                "Labels of an output that were the same of main and challenger",
                &["output"],
            ),
            agreement: interval(
                "understudy_comparison_agreement_ratio",
                "Share of labels that were the same of main and challenger",
                &["output"],
            ),
            difference: interval(
                "understudy_comparison_mean_absolute_difference",
                "Mean distance of a number of main from that of the challenger",
                &["output"],
            ),
            correlation: interval(
                "understudy_comparison_correlation",
                "Correlation of the numbers of main and challenger",
                &["output"],
            ),
            errors: interval(
                "understudy_comparison_error_ratio",
                "Share of copied calls that were answered with an error, or not at all",
                &["role"],
            ),
            latency: family.gauges(
                "understudy_comparison_latency_seconds",
                "Time that copied calls took, as each version's own server measured it",
                &["role", "quantile"],
            ),
            accuracy: interval(
                "understudy_outcome_accuracy_ratio",
                "Share of answers that turned out to be right",
                &["role"],
            ),
        }
    }

    /// Sets them to what was seen.
    pub fn show(&self, summary: &Summary) {
        self.show_comparison(summary.comparison.as_ref());
        self.show_outcomes(summary.outcomes.as_ref());
        self.show_drift(summary.drift.as_ref());
    }

    fn show_comparison(&self, comparison: Option<&Comparison>) {
        for gauges in [&self.compared, &self.agreed, &self.latency] {
            gauges.reset();
        }
        for interval in [&self.agreement, &self.difference, &self.correlation, &self.errors] {
            interval.reset();
        }
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.pairs.set(comparison.map_or(0, |comparison| signed(comparison.pairs())));
        self.since.set(comparison.map_or(0, |comparison| signed(comparison.since())));
        let Some(comparison) = comparison else { return };
        for (index, (output, _)) in comparison.outputs().enumerate() {
            self.compared.with_label_values(&[output]).set(real(comparison.compared(index)));
            let agreement = comparison.agreement(index);
            if agreement.is_some() {
                self.agreed.with_label_values(&[output]).set(real(comparison.agreed(index)));
            }
            self.agreement.set(&[output], agreement);
            self.difference.set(&[output], comparison.mean_absolute_difference(index));
            self.correlation.set(&[output], comparison.correlation(index));
        }
        for role in Role::ALL {
            self.errors.set(&[role.as_str()], comparison.error_rate(role));
            for (quantile, name) in [(0.5, "0.5"), (0.99, "0.99")] {
                if let Some(latency) = comparison.latency(role, quantile) {
                    self.latency.with_label_values(&[role.as_str(), name]).set(latency.as_secs_f64());
                }
            }
        }
    }

    fn show_outcomes(&self, outcomes: Option<&Outcomes>) {
        self.accuracy.reset();
        for role in Role::ALL {
            let accuracy = outcomes.and_then(|outcomes| outcomes.accuracy(role));
            self.accuracy.set(&[role.as_str()], accuracy);
        }
    }

    fn show_drift(&self, _drift: Option<&Drift>) {}
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn real(count: u64) -> f64 {
    count as f64
}
