//! All that a pod tells the operator, in one JSON object. Fields that a reader does not know are passed over, so that
//! an older operator reads a newer pod.

use serde::{Deserialize, Serialize};

use crate::comparison::{Comparison, Identity};
use crate::drift::Drift;
use crate::outcomes::Outcomes;

/// What one pod has seen, or several have seen together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The model that the pods serve.
    pub main: Identity,
    /// How the challenger compares, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// How far the calls are from the training data, where there is a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// What turned out to be true, where somebody has told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Outcomes>,
}

impl Summary {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(main: Identity) -> Self {
        Self { main, ..Self::default() }
    }

    /// Adds what another pod has seen of the same main. What was seen of another main is not added, and nothing
    /// changes: the answer is whether it was added.
    ///
    /// Where the challengers differ, the comparison with the later `since` stays (see [`Comparison::merge`]), and only
    /// that challenger's outcomes.
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.main != other.main {
            return false;
        }
        let (before, theirs) = (pair(self.comparison.as_ref()), pair(other.comparison.as_ref()));
        merge_option(&mut self.comparison, other.comparison.as_ref(), Comparison::merge);
        merge_option(&mut self.drift, other.drift.as_ref(), Drift::merge);

        let kept = pair(self.comparison.as_ref());
        if before != kept {
            self.outcomes.iter_mut().for_each(Outcomes::forget_challenger);
        }
        let outcomes = other.outcomes.map(|mut outcomes| {
            if theirs != kept {
                outcomes.forget_challenger();
            }
            outcomes
        });
        merge_option(&mut self.outcomes, outcomes.as_ref(), Outcomes::merge);
        true
    }
}

fn pair(comparison: Option<&Comparison>) -> Option<(Identity, Identity)> {
    comparison.map(|comparison| (comparison.main().clone(), comparison.challenger().clone()))
}

fn merge_option<T: Clone>(mine: &mut Option<T>, theirs: Option<&T>, merge: impl Fn(&mut T, &T)) {
    match (mine.as_mut(), theirs) {
        (Some(mine), Some(theirs)) => merge(mine, theirs),
        (None, Some(theirs)) => *mine = Some(theirs.clone()),
        (_, None) => {}
    }
}
