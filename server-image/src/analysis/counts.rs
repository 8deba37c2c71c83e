//! Calls that nobody could look at, and outcomes, in numbers.

use prometheus::IntCounter;

use crate::metrics::Family;

/// The counters of calls that nobody could look at, and of outcomes.
pub struct Counts {
    /// Calls that drift, comparison and records have not seen.
    pub dropped: IntCounter,
    /// Outcomes that were joined to their calls, here or in another pod.
    pub joined: IntCounter,
    /// Outcomes whose calls nobody knows.
    pub unknown: IntCounter,
}

impl Counts {
    /// Registers them.
    #[must_use]
    pub fn new(family: &Family) -> Self {
        let outcomes = |result: &str| {
            let help = "Outcomes that callers told, by whether the call was known";
            family.counter_with("understudy_outcomes_total", help, ("result", result))
        };
        Self {
            joined: outcomes("joined"),
            unknown: outcomes("unknown"),
            dropped: family.counter(
                "understudy_analysis_dropped_total",
                "Calls that drift, comparison and records have not seen, since too many waited to be looked at",
            ),
        }
    }
}
