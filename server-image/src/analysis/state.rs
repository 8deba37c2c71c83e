//! What the analyzer has accumulated: comparison, drift and outcomes.

use std::{sync::Arc, time::Duration};

use understudy_stats::{Comparison, Identity, Summary};

use super::{
    comparison::{self, Compared},
    drift,
    outcomes::{NotJoined, Outcome, RecentCalls},
    rows::CountedRows,
    truth::OutcomeOutput,
};
use crate::{
    call::{Call, Shadow},
    columns::Columns,
    routing::ActiveRouting,
};

/// Comparison, drift and outcomes so far. It belongs to the analyzer.
pub struct AnalysisState {
    main: Arc<Identity>,
    compared: Vec<Compared>,
    comparison: Option<Comparison>,
    drift: Option<drift::Tracker>,
    /// The time that the challenger has to answer a copy.
    timeout: Duration,
    /// The calls so far that were not copied, because the circuit was open.
    not_copied: u64,
    recent: RecentCalls,
}

impl AnalysisState {
    /// The state before the first call. `labels` are absent if the model has none, `drift` without a baseline.
    #[must_use]
    pub fn new(
        main: Arc<Identity>,
        columns: &Columns,
        labels: Option<OutcomeOutput>,
        drift: Option<drift::Tracker>,
    ) -> Self {
        Self {
            main,
            compared: comparison::compared(columns),
            comparison: None,
            drift,
            timeout: Duration::ZERO,
            not_copied: 0,
            recent: RecentCalls::new(labels),
        }
    }

    /// The summary that the operator reads.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let outcomes = Some(&self.recent.outcomes).filter(|outcomes| outcomes.joined() > 0);
        Summary {
            main: (*self.main).clone(),
            comparison: self.comparison.clone(),
            drift: self.drift.as_ref().map(drift::Tracker::drift),
            outcomes: outcomes.cloned(),
        }
    }

    /// Joins outcomes to calls of this pod. Returns those that were not joined.
    pub fn join(&mut self, outcomes: Vec<Outcome>) -> NotJoined {
        self.recent.join(outcomes)
    }

    /// Counts the calls that met an open circuit, of which there were `all` so far. Most of them do not come to the analyzer:
    /// while the challenger is away, they need nothing but to be counted.
    pub(super) fn met_open_circuit(&mut self, all: u64) {
        let new = all.saturating_sub(std::mem::replace(&mut self.not_copied, all));
        // As for copies: before its first answer, the challenger may be unknown to the node.
        if let Some(comparison) = self.comparison.as_mut().filter(|comparison| comparison.calls() > 0) {
            comparison.unavailable(new);
        }
    }

    /// Follows the routing at `now`, in seconds since 1970. Another challenger starts a new comparison, and no challenger
    /// ends it.
    pub(super) fn follow(&mut self, routing: &ActiveRouting, now: u64) {
        if let Some(drift) = &mut self.drift {
            drift.follow(routing.drift.as_ref(), now);
        }
        self.timeout = routing.challenger.as_ref().map_or(Duration::ZERO, |challenger| challenger.timeout());
        let challenger = routing.challenger.as_ref().map(|challenger| &*challenger.identity);
        if self.comparison.as_ref().map(Comparison::challenger) == challenger {
            return;
        }
        self.recent.forget_challenger();
        self.comparison =
            challenger.map(|challenger| comparison::begin(&self.main, challenger, now, &self.compared));
    }

    /// Counts a call, and returns the number of its rows that were left out. While calls are recorded, it is remembered
    /// for its outcome.
    pub(super) fn count(&mut self, call: &Call, recording: bool) -> u64 {
        let rows = CountedRows::of(call);
        let mut is_counted = self.drift.is_some();
        if let Some(comparison) = &mut self.comparison {
            let same = match &call.challenger {
                Shadow::Answered { by, .. } => **by == *comparison.challenger(),
                Shadow::None | Shadow::Dropped(_) => true,
            };
            if same {
                is_counted |= comparison::count(comparison, &self.compared, call, rows, self.timeout);
            }
        }
        if let Some(drift) = &mut self.drift {
            drift.count(call, rows);
        }
        if recording {
            self.recent.remember(call, self.comparison.as_ref().map(Comparison::challenger));
        }
        if is_counted { rows.left_out() } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{Answered, Shadow},
        signature::Signature,
    };

    // A challenger that was dead for 59 % of the calls had an error rate of 7.6 %: the calls that met an open circuit were
    // counted nowhere.
    #[test]
    fn calls_that_met_an_open_circuit_count_for_the_availability() {
        let columns = Columns::of(&Signature { inputs: Vec::new(), outputs: Vec::new() }, None);
        let mut state = AnalysisState::new(Arc::new(Identity::default()), &columns, None, None);
        let by = Arc::new(Identity { version: "2.0.0".to_owned(), ..Identity::default() });
        state.comparison = Some(Comparison::new(Identity::default(), (*by).clone(), 0, []));
        state.met_open_circuit(7);
        let answered = || Answered { status: 200, ..Answered::default() };
        let call = Call {
            id: String::new(),
            at: std::time::SystemTime::UNIX_EPOCH,
            traceparent: None,
            record: false,
            main: answered(),
            inputs: Vec::new(),
            rows: 1,
            challenger: Shadow::Answered { by, answered: answered() },
        };
        (0..41).for_each(|_| _ = state.count(&call, false));
        state.met_open_circuit(60);
        state.met_open_circuit(66);
        let comparison = state.comparison.as_ref().unwrap();
        assert_eq!((comparison.calls(), comparison.copied()), (41, 100));
        assert!(comparison.availability().is_some_and(|share| (share.value - 0.41).abs() < 1e-12));
    }
}
