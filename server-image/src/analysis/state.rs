//! What the analysis has counted so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use understudy_stats::{Comparison, Identity, Summary};

use super::{
    comparison, drift,
    outcomes::{Outcome, RecentCalls},
};
use crate::{
    call::{Call, Shadow},
    routing::ActiveRouting,
    signature::Port,
};

/// What was seen so far. The thread changes it, whoever asks reads it; no answer to a caller waits for it.
pub struct AnalysisState {
    main: Arc<Identity>,
    comparison: Option<Comparison>,
    drift: Option<drift::Tracker>,
    recent: RecentCalls,
}

impl AnalysisState {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(main: Arc<Identity>, drift: Option<drift::Tracker>) -> Self {
        Self { main, comparison: None, drift, recent: RecentCalls::default() }
    }

    /// All of it, for the operator.
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

    /// Joins what somebody tells; gives back what is not known here.
    pub fn join(&mut self, told: Vec<Outcome>) -> Vec<Outcome> {
        self.recent.join(told)
    }

    /// Begins a comparison anew where the challenger is another one, and ends it where there is none.
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

    pub(super) fn look(&mut self, call: &Call, recording: bool) {
        if let Some(comparison) = &mut self.comparison {
            let same = match &call.challenger {
                Shadow::Answered { by, .. } => **by == *comparison.challenger(),
                Shadow::None | Shadow::Dropped(_) => true,
            };
            if same {
                comparison::count(comparison, call);
            }
        }
        if let Some(drift) = &mut self.drift {
            drift.count(call);
        }
        if recording {
            self.recent.remember(call);
        }
    }
}

/// Locks what was seen; a panic of another thread has left it whole, since counts have no halves.
pub fn lock(state: &Mutex<AnalysisState>) -> MutexGuard<'_, AnalysisState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
