//! The counters of outcomes, and of calls that were not analyzed.

use prometheus::IntCounter;

use crate::metrics::Family;

/// The counters of outcomes, and of calls that were not analyzed.
pub struct Counts {
    /// Calls that are neither in drift, comparison nor records, because the analyzer's queue was full.
    pub dropped: IntCounter,
    /// Rows of huge calls that comparison and drift left out.
    pub rows_left_out: IntCounter,
    /// Outcomes that were joined to their calls, here or in another pod.
    pub joined: IntCounter,
    /// Outcomes whose calls no pod remembers.
    pub unknown: IntCounter,
    /// Outcomes whose calls have another number of rows.
    pub mismatched: IntCounter,
}

impl Counts {
    /// Registers the counters.
    #[must_use]
    pub fn new(family: &Family) -> Self {
        let outcomes = |result: &str| {
            let help = "Outcomes that callers sent, by whether they were joined to their call";
            family.counter_with("understudy_outcomes_total", help, ("result", result))
        };
        Self {
            joined: outcomes("joined"),
            unknown: outcomes("unknown"),
            mismatched: outcomes("mismatched"),
            dropped: family.counter(
                "understudy_analysis_dropped_total",
                "Calls missing in drift, comparison and records, because they did not fit into the analyzer's queue",
            ),
            rows_left_out: family.counter(
                "understudy_analysis_rows_left_out_total",
                "Rows missing in drift and comparison, because their calls have more than 10,000",
            ),
        }
    }
}
