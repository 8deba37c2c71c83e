//! What the analyzer has accumulated: comparison, drift and outcomes.

use std::sync::Arc;

use understudy_stats::{Comparison, Identity, Summary};

use super::{
    comparison, drift,
    outcomes::{Outcome, RecentCalls},
    rows::CountedRows,
};
use crate::{
    call::{Call, Shadow},
    routing::ActiveRouting,
    signature::Port,
};

/// Comparison, drift and outcomes so far. It belongs to the analyzer.
pub struct AnalysisState {
    main: Arc<Identity>,
    comparison: Option<Comparison>,
    drift: Option<drift::Tracker>,
    recent: RecentCalls,
}

impl AnalysisState {
    /// The state before the first call. `drift` is absent without a baseline.
    #[must_use]
    pub fn new(main: Arc<Identity>, drift: Option<drift::Tracker>) -> Self {
        Self { main, comparison: None, drift, recent: RecentCalls::default() }
    }

    /// The summary that the operator reads.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let outcomes = Some(self.recent.outcomes).filter(|outcomes| outcomes.joined() > 0);
        Summary {
            main: (*self.main).clone(),
            comparison: self.comparison.clone(),
            drift: self.drift.as_ref().map(drift::Tracker::drift),
            outcomes,
        }
    }

    /// Joins outcomes to calls of this pod. Returns those whose calls are not remembered here.
    pub fn join(&mut self, outcomes: Vec<Outcome>) -> Vec<Outcome> {
        self.recent.join(outcomes)
    }

    /// Follows the routing at `now`, in seconds since 1970. Another challenger starts a new comparison, and no challenger
    /// ends it.
    pub(super) fn follow(&mut self, routing: &ActiveRouting, outputs: &[Port], now: u64) {
        if let Some(drift) = &mut self.drift {
            drift.follow(routing.drift.as_ref(), now);
        }
        let challenger = routing.challenger.as_ref().map(|challenger| &*challenger.identity);
        if self.comparison.as_ref().map(Comparison::challenger) == challenger {
            return;
        }
        self.recent.outcomes.forget_challenger();
        self.comparison =
            challenger.map(|challenger| comparison::begin(&self.main, challenger, now, outputs));
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
                is_counted |= comparison::count(comparison, call, rows);
            }
        }
        if let Some(drift) = &mut self.drift {
            drift.count(call, rows);
        }
        if recording {
            self.recent.remember(call);
        }
        if is_counted { rows.left_out() } else { 0 }
    }
}
