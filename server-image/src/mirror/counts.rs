//! The counters of copies. At any time, `calls = mirrored + dropped + pending`.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge};

use crate::{
    call::{Dropped, Shadow},
    metrics::Family,
};

/// Bounds in seconds, two or three a decade: from a challenger on the same node to one that nearly times out.
const BUCKETS: [f64; 13] =
    [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 10.0];

/// The counters of copies.
pub struct Counts {
    calls: IntCounter,
    mirrored: IntCounter,
    /// In the order of [`Dropped::ALL`].
    dropped: [IntCounter; Dropped::ALL.len()],
    pending: IntGauge,
    /// 1 while the circuit to the challenger is open.
    pub circuit_open: IntGauge,
    /// Round trips of answered copies, in seconds.
    pub duration: Histogram,
}

impl Counts {
    /// Registers the counters.
    #[must_use]
    pub fn new(family: &Family) -> Self {
        Self {
            calls: family.counter("understudy_mirror_calls_total", "Calls to main while it had a challenger"),
            mirrored: family.counter(
                "understudy_mirror_mirrored_total",
                "Calls whose copy the challenger answered, also with an error",
            ),
            dropped: Dropped::ALL.map(|dropped| {
                family.counter_with(
                    "understudy_mirror_dropped_total",
                    "Calls without an answer of the challenger, by reason",
                    ("reason", dropped.as_str()),
                )
            }),
            pending: family.gauge("understudy_mirror_pending", "Copies in the queue or in flight"),
            circuit_open: family.gauge(
                "understudy_mirror_circuit_open",
                "1 while the challenger gets no copies because it failed several times in a row",
            ),
            duration: family.histogram(
                HistogramOpts::new(
                    "understudy_mirror_duration_seconds",
                    "Round trip of answered copies, in seconds",
                )
                .buckets(BUCKETS.to_vec()),
            ),
        }
    }

    /// Counts a call to main. Its copy is pending from now on.
    pub fn begun(&self) {
        self.calls.inc();
        self.pending.inc();
    }

    /// Calls, calls whose copy was answered, and calls without an answer of the challenger.
    #[must_use]
    pub fn totals(&self) -> (u64, u64, u64) {
        (self.calls.get(), self.mirrored.get(), self.dropped.iter().map(IntCounter::get).sum())
    }

    /// Calls that were not copied, because the circuit was open.
    #[must_use]
    pub fn met_open_circuit(&self) -> u64 {
        self.dropped[Dropped::CircuitOpen as usize].get()
    }

    /// Counts the end of a copy.
    pub fn ended(&self, shadow: &Shadow) {
        match shadow {
            Shadow::None => return,
            Shadow::Answered { .. } => self.mirrored.inc(),
            Shadow::Dropped(dropped) => self.dropped[*dropped as usize].inc(),
        }
        self.pending.dec();
    }
}
