//! Counts in groups of calls, and how uncertain an estimate from them is.
//!
//! The rows of one call are often alike: a batch is sorted, or comes from one customer. So the call is the unit of every
//! interval, not the row. Each call goes to one of 32 groups, in turn. An estimate is made from all groups and, to see how
//! much it depends on the calls that happened to come, from all groups but one, for each of them: the delete-a-group
//! jackknife (J. Shao and D. Tu, The Jackknife and Bootstrap, 1995, 5.1). It works alike for proportions, means,
//! correlations and differences, it is exact to merge over pods, and its cost does not grow with the number of calls.

use serde::{Deserialize, Serialize};

use crate::real::real;

/// The number of groups. With 32, an interval is 4 % wider than with infinitely many.
pub(crate) const GROUPS: usize = 32;

/// Counts that can be added.
pub(crate) trait Counts: Default {
    /// Adds other counts.
    fn add(&mut self, other: &Self);
}

/// Counts of main and of the challenger for the same rows.
impl<A: Counts, B: Counts> Counts for (A, B) {
    fn add(&mut self, other: &Self) {
        self.0.add(&other.0);
        self.1.add(&other.1);
    }
}

/// Counts of the calls of each group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Groups<T> {
    groups: Vec<T>,
}

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self { groups: Vec::new() }
    }
}

/// The group of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn(usize);

impl Turn {
    /// The group of the call with this number: each in turn.
    pub(crate) fn of(call: u64) -> Self {
        Self(usize::try_from(call % GROUPS as u64).unwrap_or_default())
    }
}

/// An estimate and its standard error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The estimate from all calls.
    pub(crate) value: f64,
    /// Its standard error.
    pub(crate) error: f64,
    /// The degrees of freedom of the error: the number of groups less one, or fewer if few of them make most of the error.
    /// The fourth moment shows that (F. E. Satterthwaite, Biometrics Bulletin 2 (1946) 110). It matters for rare large values.
    pub(crate) freedom: u64,
}

impl<T: Counts> Groups<T> {
    /// The counts of the group whose turn it is.
    pub(crate) fn of(&mut self, turn: Turn) -> &mut T {
        if self.groups.len() <= turn.0 {
            self.groups.resize_with(turn.0 + 1, T::default);
        }
        &mut self.groups[turn.0]
    }

    /// Adds the counts of another pod, group by group.
    pub(crate) fn merge(&mut self, other: &Self) {
        // More groups than this version knows are those of another one.
        for (place, theirs) in other.groups.iter().enumerate() {
            self.of(Turn(place % GROUPS)).add(theirs);
        }
    }

    /// The counts of all groups.
    pub(crate) fn total(&self) -> T {
        let mut total = T::default();
        self.groups.iter().for_each(|counts| total.add(counts));
        total
    }

    /// Other counts made of those of each group.
    pub(crate) fn map<U>(&self, of: impl Fn(&T) -> U) -> Groups<U> {
        Groups { groups: self.groups.iter().map(of).collect() }
    }

    /// The sums of all groups but each one, in their order. Sums of those before and of those after it need fewer additions than
    /// each sum by itself.
    fn all_but_each(&self) -> Vec<T> {
        let sums = |groups: &mut dyn Iterator<Item = &T>| {
            let mut sums = vec![T::default()];
            for counts in groups {
                let mut sum = T::default();
                if let Some(before) = sums.last() {
                    sum.add(before);
                }
                sum.add(counts);
                sums.push(sum);
            }
            sums
        };
        let (before, after) = (sums(&mut self.groups.iter()), sums(&mut self.groups.iter().rev()));
        let all = self.groups.len();
        let all_but = |place: usize| {
            let mut sum = T::default();
            sum.add(&before[place]);
            sum.add(&after[all - 1 - place]);
            sum
        };
        (0..all).map(all_but).collect()
    }

    /// The estimate that `of` makes of the counts, with its standard error. `None` if it makes none of all groups, or with
    /// fewer than two groups that matter: those without which the estimate differs from nothing are empty.
    pub(crate) fn spread(
        &self,
        is_empty: impl Fn(&T) -> bool,
        of: impl Fn(&T) -> Option<f64>,
    ) -> Option<Spread> {
        let value = of(&self.total()).filter(|value| value.is_finite())?;
        let sums = self.all_but_each();
        let used = self.groups.iter().zip(&sums).filter(|(counts, _)| !is_empty(counts));
        let without: Option<Vec<f64>> =
            used.map(|(_, sum)| of(sum).filter(|value| value.is_finite())).collect();
        let without = without.filter(|without| without.len() > 1)?;
        let n = real(without.len() as u64);
        let mean = without.iter().sum::<f64>() / n;
        let sum = |power: i32| without.iter().map(|value| (value - mean).powi(power)).sum::<f64>();
        let (squares, fourths) = (sum(2), sum(4));
        let all = without.len() as u64 - 1;
        let kurtosis = n * fourths / (squares * squares);
        let freedom = if kurtosis > 1.0 { whole(2.0 * n / (kurtosis - 1.0), all) } else { all };
        Some(Spread { value, error: (squares * (n - 1.0) / n).sqrt(), freedom })
    }
}

/// The degrees of freedom, at least 1 and at most `all`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive number")]
fn whole(freedom: f64, all: u64) -> u64 {
    (freedom.max(1.0) as u64).min(all)
}

/// How many of something were hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Share(pub(crate) u64, pub(crate) u64);

impl Counts for Share {
    fn add(&mut self, other: &Self) {
        self.0 = self.0.saturating_add(other.0);
        self.1 = self.1.saturating_add(other.1);
    }
}

impl Share {
    pub(crate) fn is_empty(&self) -> bool {
        self.1 == 0
    }

    pub(crate) fn ratio(&self) -> Option<f64> {
        (self.1 > 0).then(|| real(self.0.min(self.1)) / real(self.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(shares: &[(u64, u64)]) -> Groups<Share> {
        let mut groups = Groups::<Share>::default();
        for (call, (hits, of)) in (0..).zip(shares) {
            groups.of(Turn::of(call)).add(&Share(*hits, *of));
        }
        groups
    }

    // With one call in each group, it is the standard error of a mean: that of [0, 1, 1, 1] is 0.25.
    #[test]
    fn the_error_of_a_mean_of_few_calls_is_the_standard_error() {
        let spread = groups(&[(0, 1), (1, 1), (1, 1), (1, 1)]).spread(Share::is_empty, Share::ratio);
        let spread = spread.expect("there are four calls");
        assert!((spread.error - 0.25).abs() < 1e-12 && spread.freedom == 3, "{spread:?}");
        assert!((spread.value - 0.75).abs() < 1e-12, "{spread:?}");
    }

    // Ten rows that are all alike say as much as one row.
    #[test]
    fn rows_that_are_alike_within_a_call_do_not_make_an_estimate_more_certain() {
        let calls = [(0, 1), (1, 1), (1, 1), (1, 1)];
        let alike = calls.map(|(hits, of)| (10 * hits, 10 * of));
        let error = |shares: &[(u64, u64)]| {
            groups(shares).spread(Share::is_empty, Share::ratio).expect("there are four calls").error
        };
        assert!((error(&calls) - error(&alike)).abs() < 1e-12);
    }

    #[test]
    fn the_33rd_call_is_in_the_group_of_the_first_and_pods_are_merged_group_by_group() {
        let mut calls = groups(&[(1, 1); GROUPS + 1]);
        assert_eq!(
            (calls.groups.len(), calls.groups[0], calls.groups[1]),
            (GROUPS, Share(2, 2), Share(1, 1))
        );
        calls.merge(&groups(&[(0, 1), (0, 1)]));
        assert_eq!(
            (calls.groups[0], calls.groups[1], calls.groups[2]),
            (Share(2, 3), Share(1, 2), Share(1, 1))
        );
        assert_eq!(calls.total(), Share(33, 35));
    }

    #[test]
    fn one_call_says_nothing_about_its_own_uncertainty() {
        assert_eq!(groups(&[(3, 10)]).spread(Share::is_empty, Share::ratio), None);
        assert_eq!(groups(&[]).spread(Share::is_empty, Share::ratio), None);
    }
}
