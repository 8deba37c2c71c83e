//! Estimates and counts as gauges.

use prometheus::GaugeVec;
use understudy_stats::Estimate;

use crate::metrics::Family;

/// An estimate and the bounds of its 95 % interval.
pub(super) struct Interval {
    value: GaugeVec,
    low: GaugeVec,
    high: GaugeVec,
}

impl Interval {
    pub(super) fn new(family: &Family, name: &str, help: &str, labels: &[&str]) -> Self {
        let bound = |suffix: &str, which: &str| {
            family.gauges(&format!("{name}{suffix}"), &format!("{help}: {which}"), labels)
        };
        Self {
            value: family.gauges(name, help, labels),
            low: bound("_low", "lower bound of the 95 % interval"),
            high: bound("_high", "upper bound of the 95 % interval"),
        }
    }

    pub(super) fn reset(&self) {
        self.value.reset();
        self.low.reset();
        self.high.reset();
    }

    pub(super) fn set(&self, labels: &[&str], estimate: Option<Estimate>) {
        if let Some(Estimate { value, low, high }) = estimate {
            self.value.with_label_values(labels).set(value);
            self.low.with_label_values(labels).set(low);
            self.high.with_label_values(labels).set(high);
        }
    }
}

/// A count as a gauge.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub(super) fn real(count: u64) -> f64 {
    count as f64
}

/// A count for an integer gauge.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
