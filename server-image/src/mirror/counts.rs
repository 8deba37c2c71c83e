//! What becomes of copies, in numbers: calls = mirrored + dropped + pending, at any time.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge};

use crate::{
    call::{Dropped, Shadow},
    metrics::Family,
};

/// From a challenger on the same node to one that is about to be given up, two or three a decade.
const BUCKETS: [f64; 13] =
    [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 10.0];

/// The counters of copies.
pub struct Counts {
    calls: IntCounter,
    mirrored: IntCounter,
    dropped: [IntCounter; Dropped::ALL.len()],
    pending: IntGauge,
    /// 1 while the circuit to the challenger is open.
    pub circuit_open: IntGauge,
    /// Round trips of copies that were answered, in seconds.
    pub duration: Histogram,
}

impl Counts {
    /// Registers them.
    #[must_use]
    pub fn new(family: &Family) -> Self {
        Self {
            calls: family
                .counter("understudy_mirror_calls_total", "Calls to main while a challenger was set"),
            mirrored: family.counter(
                "understudy_mirror_mirrored_total",
                "Copies of calls that the challenger answered, be it with an error",
            ),
            dropped: Dropped::ALL.map(|dropped| {
                family.counter_with(
                    "understudy_mirror_dropped_total",
                    "Calls that have no answer of the challenger, by reason",
                    ("reason", dropped.as_str()),
                )
            }),
            pending: family.gauge("understudy_mirror_pending", "Copies that wait or are under way"),
            circuit_open: family.gauge(
                "understudy_mirror_circuit_open",
                "1 while the challenger is left alone because it failed again and again",
            ),
            duration: family.histogram(
                HistogramOpts::new(
                    "understudy_mirror_duration_seconds",
                    "From the begin of a copy to its answer, of those that were answered",
                )
                .buckets(BUCKETS.to_vec()),
            ),
        }
    }

    /// A call came while a challenger was set; its copy is on its way from now on.
    pub fn begun(&self) {
        self.calls.inc();
        self.pending.inc();
    }

    /// Calls, copies that were answered, and calls without an answer of the challenger.
    #[must_use]
    pub fn copies(&self) -> (u64, u64, u64) {
        (self.calls.get(), self.mirrored.get(), self.dropped.iter().map(IntCounter::get).sum())
    }

    /// What became of it.
    pub fn ended(&self, shadow: &Shadow) {
        match shadow {
            Shadow::None => return,
            Shadow::Answered { .. } => self.mirrored.inc(),
            Shadow::Dropped(dropped) => self.dropped[*dropped as usize].inc(),
        }
        self.pending.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_counter_of_its_own() {
        for (index, dropped) in Dropped::ALL.into_iter().enumerate() {
            assert_eq!(dropped as usize, index, "{}", dropped.as_str());
        }
    }
}
