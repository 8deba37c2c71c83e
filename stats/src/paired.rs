//! Two versions on the same rows: how much more often one of them has a hit, and whether that is chance.
//!
//! Both versions see the same calls, so their hits come in pairs, and only the rows on which they differ say which one is
//! better. The intervals of the two proportions cannot say it: they overlap long after the difference is certain.

use serde::{Deserialize, Serialize};

use crate::{
    groups::{Counts, Groups, Share},
    interval::{self, Estimate, Z},
    real::real,
};

/// The rows on which both had a hit, only main, only the challenger, and neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Table(u64, u64, u64, u64);

impl Counts for Table {
    fn add(&mut self, other: &Self) {
        for (mine, theirs) in
            [(&mut self.0, other.0), (&mut self.1, other.1), (&mut self.2, other.2), (&mut self.3, other.3)]
        {
            *mine = mine.saturating_add(theirs);
        }
    }
}

impl Table {
    /// Counts one row.
    pub(crate) fn count(&mut self, main: bool, challenger: bool) {
        let count = match (main, challenger) {
            (true, true) => &mut self.0,
            (true, false) => &mut self.1,
            (false, true) => &mut self.2,
            (false, false) => &mut self.3,
        };
        *count = count.saturating_add(1);
    }

    /// The rows.
    pub(crate) fn rows(&self) -> u64 {
        [self.0, self.1, self.2, self.3].into_iter().fold(0, u64::saturating_add)
    }

    /// The hits of main among the rows.
    pub(crate) fn main(&self) -> Share {
        Share(self.0.saturating_add(self.1), self.rows())
    }

    /// The hits of the challenger among the rows.
    pub(crate) fn challenger(&self) -> Share {
        Share(self.0.saturating_add(self.2), self.rows())
    }

    fn difference(&self) -> Option<f64> {
        let rows = self.rows();
        (rows > 0).then(|| (real(self.2) - real(self.1)) / real(rows))
    }
}

/// The proportion of the challenger's hits less that of main's, in rows of `calls` calls. `None` without rows.
///
/// If each call has one row, the interval is the one by R. G. Newcombe, Statistics in Medicine 17 (1998) 2635, method 10:
/// it combines Wilson's intervals of both by their correlation, and is right for rare hits as well. Otherwise it is Student's
/// with the standard error of the groups.
pub(crate) fn difference(tables: &Groups<Table>, calls: u64) -> Option<Estimate> {
    let total = tables.total();
    if total.rows() == 0 {
        return None;
    }
    if total.rows() > calls
        && let Some(spread) = tables.spread(|table| table.rows() == 0, Table::difference)
        && spread.error > 0.0
    {
        return Some(interval::student(&spread, -1.0, 1.0));
    }
    // The groups do not differ, or each call has one row: at most as many rows as calls are independent.
    let size = real(total.rows().min(calls.max(1)));
    Some(newcombe(total, size))
}

/// [`difference`] for a table of calls, which have one row each.
pub(crate) fn difference_of_calls(table: &Table) -> Option<Estimate> {
    (table.rows() > 0).then(|| newcombe(*table, real(table.rows())))
}

fn newcombe(Table(both, main, challenger, neither): Table, size: f64) -> Estimate {
    let [both, main, challenger, neither] = [both, main, challenger, neither].map(real);
    let rows = both + main + challenger + neither;
    let (p_main, p_challenger) = ((both + main) / rows, (both + challenger) / rows);
    let (of_main, of_challenger) =
        (interval::wilson(p_main, size, Z), interval::wilson(p_challenger, size, Z));
    let product = (both + main) * (challenger + neither) * (both + challenger) * (main + neither);
    let excess = both * neither - main * challenger;
    let corrected = if excess > 0.0 { (excess - rows / 2.0).max(0.0) } else { excess };
    let phi = if product > 0.0 { corrected / product.sqrt() } else { 0.0 };
    let combined =
        |one: f64, other: f64| (one * one - 2.0 * phi * one * other + other * other).max(0.0).sqrt();
    let value = p_challenger - p_main;
    let below = combined(p_challenger - of_challenger.low, of_main.high - p_main);
    let above = combined(of_challenger.high - p_challenger, p_main - of_main.low);
    Estimate { value, low: value - below, high: value + above }
}

/// How likely a difference as large as this one is if both versions are equally good: the p-value of McNemar's test. `None`
/// without rows.
///
/// If each call has one row, it is the exact test with the mid-p value (M. W. Fagerland and others, BMC Medical Research
/// Methodology 13 (2013) 91), and above 1,000 rows on which they differ the asymptotic one. Otherwise it is Student's test of
/// the difference with the standard error of the groups.
pub(crate) fn p_value(tables: &Groups<Table>, calls: u64) -> Option<f64> {
    let total = tables.total();
    if total.rows() == 0 {
        return None;
    }
    if total.rows() > calls {
        let spread = tables.spread(|table| table.rows() == 0, Table::difference)?;
        return match spread.error {
            0.0 => Some(if spread.value == 0.0 { 1.0 } else { 0.0 }),
            error => Some(interval::t_tails(spread.value / error, spread.freedom)),
        };
    }
    p_value_of_calls(&total)
}

/// [`p_value`] for a table of calls, which have one row each.
pub(crate) fn p_value_of_calls(table: &Table) -> Option<f64> {
    (table.rows() > 0).then(|| mid_p(table.1.min(table.2), table.1.max(table.2)))
}

/// The mid-p value of as few as `fewer` of `fewer + more` tosses of a fair coin, on both sides.
fn mid_p(fewer: u64, more: u64) -> f64 {
    const EXACT: u64 = 1_000;
    let tosses = fewer.saturating_add(more);
    if fewer == more {
        return 1.0;
    }
    if tosses > EXACT {
        return interval::normal_tails((real(more) - real(fewer)) / real(tosses).sqrt());
    }
    // The probabilities of 0, 1, 2.. hits. Below 2^-1000 a float64 has enough room.
    let mut probability = 0.5_f64.powi(i32::try_from(tosses).unwrap_or(i32::MAX));
    let mut below = 0.0;
    for hits in 0..fewer {
        below += probability;
        probability *= real(tosses - hits) / real(hits + 1);
    }
    (2.0 * below + probability).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::Turn;

    fn single(both: u64, main: u64, challenger: u64, neither: u64) -> (Groups<Table>, u64) {
        let mut groups = Groups::<Table>::default();
        groups.of(Turn::of(0)).add(&Table(both, main, challenger, neither));
        (groups, both + main + challenger + neither)
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6 * expected.abs(), "{found} is not {expected}");
    }

    // The first one is in the paper: 0.0562 to 0.3292. The others are by its formulas in Python.
    #[test]
    fn the_interval_of_a_paired_difference_is_that_of_newcombe() {
        for ((both, main, challenger, neither), low, high) in [
            ((20, 12, 2, 16), -0.329_206_995_400_140_5, -0.056_156_424_841_748_32),
            ((36, 12, 2, 0), -0.340_427_602_974_940_5, -0.056_929_584_003_238_83),
            ((0, 1, 3, 96), -0.028_989_353_842_766_803, 0.075_281_122_183_840_09),
            ((2_200, 15, 53, 232), 0.008_732_803_497_921_925, 0.021_913_243_104_017_3),
        ] {
            let (tables, calls) = single(both, main, challenger, neither);
            let found = difference(&tables, calls).expect("there are rows");
            assert_near(found.low, low);
            assert_near(found.high, high);
        }
    }

    // scipy 1.17.1: stats.binomtest(k, n).pvalue - stats.binom.pmf(k, n, .5), and stats.norm.sf((more - fewer) / n ** .5) * 2
    #[test]
    fn the_p_value_is_that_of_mcnemars_test() {
        for (fewer, more, expected) in [
            (2, 12, 0.007_385_253_906_249_991),
            (0, 5, 0.031_25),
            (15, 53, 2.612_848_003_590_013e-6),
            (480, 530, 0.115_651_235_056_290_44),
            (900, 1_100, 7.744_216_431_044_07e-6),
        ] {
            let (tables, calls) = single(100, fewer, more, 7);
            assert_near(p_value(&tables, calls).expect("there are rows"), expected);
        }
        let (none, calls) = single(10, 0, 0, 3);
        assert_eq!(p_value(&none, calls), Some(1.0));
        assert_eq!(p_value(&Groups::default(), 0), None);
    }

    // The intervals of the two proportions overlap: 0.893 to 0.916 and 0.909 to 0.930.
    #[test]
    fn a_difference_is_found_while_the_intervals_of_both_overlap() {
        let (tables, calls) = single(2_200, 15, 53, 232);
        let found = difference(&tables, calls).expect("there are rows");
        assert!(found.low > 0.0, "{found:?}");
        assert!(p_value(&tables, calls).is_some_and(|p| p < 0.001));
    }

    // Two calls of 100 equal rows each: nobody would call that a result.
    #[test]
    fn rows_that_are_alike_within_a_call_count_as_one() {
        let mut tables = Groups::<Table>::default();
        for call in 0..8 {
            let table = if call % 4 == 3 { Table(0, 100, 0, 0) } else { Table(0, 0, 100, 0) };
            tables.of(Turn::of(call)).add(&table);
        }
        let found = difference(&tables, 8).expect("there are rows");
        assert!(found.low < 0.0, "{found:?}");
        assert!(p_value(&tables, 8).is_some_and(|p| p > 0.1));
    }
}
