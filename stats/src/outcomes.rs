//! Outcomes: the ground truth for earlier calls, which the caller sends later. Counts how often main and the challenger
//! were right, on the same rows.

use serde::{Deserialize, Serialize};

use crate::{
    comparison::Role,
    groups::{Counts, Groups, Share, Turn},
    interval::{self, Estimate},
    paired::{self, Table},
};

/// Counts of outcomes that were joined to their calls, and of the versions that were right.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcomes {
    /// Rows with an outcome.
    joined: u64,
    /// Calls with an outcome.
    calls: u64,
    /// Of those that the challenger has answered as well, rows and calls.
    both: u64,
    both_calls: u64,
    main: Groups<Share>,
    paired: Groups<Table>,
}

impl Outcomes {
    /// Counts the outcome of one call: for each of its rows, whether main and, if it answered, the challenger were right.
    pub fn join(&mut self, rows: impl IntoIterator<Item = (bool, Option<bool>)>) {
        let turn = Turn::of(self.calls);
        let (main, paired) = (self.main.of(turn), self.paired.of(turn));
        let before = paired.rows();
        for (right, challenger) in rows {
            main.add(&Share(u64::from(right), 1));
            self.joined = self.joined.saturating_add(1);
            if let Some(challenger) = challenger {
                paired.count(right, challenger);
            }
        }
        let both = paired.rows().saturating_sub(before);
        self.calls = self.calls.saturating_add(1);
        self.both = self.both.saturating_add(both);
        self.both_calls = self.both_calls.saturating_add(u64::from(both > 0));
    }

    /// Adds the counts of another pod with the same main and challenger.
    pub fn merge(&mut self, other: &Self) {
        self.joined = self.joined.saturating_add(other.joined);
        self.calls = self.calls.saturating_add(other.calls);
        self.both = self.both.saturating_add(other.both);
        self.both_calls = self.both_calls.saturating_add(other.both_calls);
        self.main.merge(&other.main);
        self.paired.merge(&other.paired);
    }

    /// Resets the counts of the challenger, for a new challenger.
    pub fn forget_challenger(&mut self) {
        self.paired = Groups::default();
        (self.both, self.both_calls) = (0, 0);
    }

    /// The number of rows with an outcome.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// The number of rows that the accuracy of this version is about: those that both have answered. While the challenger has
    /// answered none, those of main.
    #[must_use]
    pub fn compared(&self, role: Role) -> u64 {
        match role {
            Role::Main if self.both == 0 => self.joined,
            Role::Main | Role::Challenger => self.both,
        }
    }

    /// On how many of [`Self::compared`] this version was right.
    #[must_use]
    pub fn correct(&self, role: Role) -> u64 {
        let paired = self.paired.total();
        match role {
            Role::Main if self.both == 0 => self.main.total().0,
            Role::Main => paired.main().0,
            Role::Challenger => paired.challenger().0,
        }
    }

    /// The proportion of [`Self::compared`] on which this version was right. `None` if there are none.
    #[must_use]
    pub fn accuracy(&self, role: Role) -> Option<Estimate> {
        let of = |hits: fn(&Table) -> Share| interval::share(&self.paired.map(hits), self.both_calls);
        match role {
            Role::Main if self.both == 0 => interval::share(&self.main, self.calls),
            Role::Main => of(Table::main),
            Role::Challenger => of(Table::challenger),
        }
    }

    /// The accuracy of the challenger less that of main, on the rows that both have answered. `None` without any.
    #[must_use]
    pub fn difference(&self) -> Option<Estimate> {
        paired::difference(&self.paired, self.both_calls)
    }

    /// How likely so large a difference is if both are equally good, by McNemar's test. `None` without rows of both.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        paired::p_value(&self.paired, self.both_calls)
    }
}

#[cfg(test)]
mod tests {
    use super::Outcomes;
    use crate::comparison::Role;

    #[test]
    fn both_versions_are_compared_on_the_rows_that_both_have_answered() {
        let mut outcomes = Outcomes::default();
        assert_eq!(outcomes.accuracy(Role::Main), None);
        outcomes.join([(true, None)]);
        assert_eq!((outcomes.correct(Role::Main), outcomes.compared(Role::Main)), (1, 1));
        assert_eq!((outcomes.accuracy(Role::Challenger), outcomes.difference()), (None, None));
        outcomes.join([(true, Some(false))]);
        outcomes.join([(false, Some(true)), (false, Some(true))]);
        assert_eq!(outcomes.joined(), 4);
        assert_eq!((outcomes.correct(Role::Main), outcomes.compared(Role::Main)), (1, 3));
        assert_eq!((outcomes.correct(Role::Challenger), outcomes.compared(Role::Challenger)), (2, 3));
        assert_eq!(outcomes.accuracy(Role::Challenger).map(|accuracy| accuracy.value), Some(2.0 / 3.0));
        assert!(outcomes.difference().is_some_and(|better| (better.value - 1.0 / 3.0).abs() < 1e-12));

        let mut merged = outcomes.clone();
        merged.merge(&outcomes);
        assert_eq!(
            (merged.joined(), merged.correct(Role::Challenger), merged.compared(Role::Main)),
            (8, 4, 6)
        );
        merged.forget_challenger();
        assert_eq!((merged.accuracy(Role::Challenger), merged.p_value()), (None, None));
        assert_eq!((merged.correct(Role::Main), merged.compared(Role::Main)), (4, 8));
    }
}
