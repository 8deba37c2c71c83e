//! Outcomes: the ground truth for earlier calls, which the caller sends later. Counts how often main and the challenger
//! were right.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::Role,
    interval::{self, Estimate},
};

/// How often one version was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Score {
    correct: u64,
    compared: u64,
}

impl Score {
    fn count(&mut self, correct: bool) {
        self.correct = self.correct.saturating_add(u64::from(correct));
        self.compared = self.compared.saturating_add(1);
    }

    fn merge(&mut self, other: Self) {
        self.correct = self.correct.saturating_add(other.correct);
        self.compared = self.compared.saturating_add(other.compared);
    }
}

/// Counts of outcomes that were joined to their calls, and of the versions that were right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcomes {
    joined: u64,
    main: Score,
    challenger: Score,
}

impl Outcomes {
    /// Counts one outcome. The arguments say whether main and challenger were right; `None` if one did not answer the
    /// call.
    pub fn join(&mut self, main: Option<bool>, challenger: Option<bool>) {
        self.joined = self.joined.saturating_add(1);
        if let Some(correct) = main {
            self.main.count(correct);
        }
        if let Some(correct) = challenger {
            self.challenger.count(correct);
        }
    }

    /// Adds the counts of another pod with the same main and challenger.
    pub fn merge(&mut self, other: &Self) {
        self.joined = self.joined.saturating_add(other.joined);
        self.main.merge(other.main);
        self.challenger.merge(other.challenger);
    }

    /// Resets the counts of the challenger, for a new challenger.
    pub fn forget_challenger(&mut self) {
        self.challenger = Score::default();
    }

    /// The number of outcomes that were joined to a call.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// The number of outcomes for calls that this version answered: the sample size of its accuracy.
    #[must_use]
    pub fn compared(&self, role: Role) -> u64 {
        self.score(role).compared
    }

    /// How often this version was right.
    #[must_use]
    pub fn correct(&self, role: Role) -> u64 {
        self.score(role).correct
    }

    /// The proportion of this version's answers that were right. `None` if nothing is compared.
    #[must_use]
    pub fn accuracy(&self, role: Role) -> Option<Estimate> {
        let Score { correct, compared } = self.score(role);
        interval::proportion(correct, compared)
    }

    fn score(&self, role: Role) -> Score {
        match role {
            Role::Main => self.main,
            Role::Challenger => self.challenger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcomes;
    use crate::comparison::Role;

    #[test]
    fn the_accuracy_of_a_version_counts_only_the_calls_that_it_answered() {
        let mut outcomes = Outcomes::default();
        outcomes.join(Some(true), Some(false));
        outcomes.join(Some(true), None);
        outcomes.join(Some(false), Some(true));
        outcomes.join(None, Some(false));
        assert_eq!(outcomes.joined(), 4);
        assert_eq!((outcomes.correct(Role::Main), outcomes.compared(Role::Main)), (2, 3));
        assert_eq!((outcomes.correct(Role::Challenger), outcomes.compared(Role::Challenger)), (1, 3));
        assert_eq!(outcomes.accuracy(Role::Challenger).map(|accuracy| accuracy.value), Some(1.0 / 3.0));

        let mut merged = outcomes;
        merged.merge(&outcomes);
        assert_eq!((merged.joined(), merged.correct(Role::Main)), (8, 4));
        merged.forget_challenger();
        assert_eq!(merged.accuracy(Role::Challenger), None);
        assert_eq!(merged.compared(Role::Main), 6);
    }
}
