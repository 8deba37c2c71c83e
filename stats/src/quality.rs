//! What is wrong with the values of a column, apart from drift: values that are missing, of another type, out of range or
//! unknown, a constant, and another unit. Each has a test of its own.

use crate::{
    bins::distance_of_shares,
    column::{ColumnKind, ValueType},
    drift::{ColumnDrift, sum},
    issue::{Issue, IssueKind},
    natural::Natural,
    real::real,
    rules::{Known, Rules},
    tails::{fewer_events, more_events},
};

/// Values that are this many times as large as in the training data, or this many times smaller, may have another unit.
/// Conversions of common units are larger: 1.6 from miles to kilometres, 2.2 from kilograms to pounds.
const OTHER_UNIT: f64 = 1.5;
/// How far the factors of mean and deviation may differ, if both are that of a unit.
const SAME_FACTOR: f64 = 0.15;

impl ColumnDrift {
    /// Missing values and values of another type.
    pub(crate) fn issues_of_rows(&self, rules: &Rules, known: Known<'_>) -> Vec<Issue> {
        [self.missing_values(rules, known), self.wrong_type(rules, known)].into_iter().flatten().collect()
    }

    fn missing_values(&self, rules: &Rules, known: Known<'_>) -> Option<Issue> {
        let all = sum(&self.expected).saturating_add(self.expected_missing);
        let (x, n) = (real(self.missing), real(self.samples()));
        let (k, m) = (real(self.expected_missing), real(all));
        let worth = self.worth();
        let is_known = known.issues.contains(&IssueKind::Missing);
        let counts = [x, n, k * worth, m * worth];
        if !self.differ(counts, self.natural_missing, rules, is_known) {
            return None;
        }
        let (share, before) = (x / n, k / m);
        let says = format!(
            "is missing in {} of the rows ({} in the training data)",
            percent(share),
            percent(before)
        );
        Some(Issue { kind: IssueKind::Missing, share, says })
    }

    fn wrong_type(&self, rules: &Rules, known: Known<'_>) -> Option<Issue> {
        let (x, n) = (real(self.mistyped), real(self.samples()));
        let m = real(sum(&self.expected));
        let is_known = known.issues.contains(&IssueKind::WrongType);
        if !self.differ([x, n, 0.0, m], Natural::default(), rules, is_known) {
            return None;
        }
        let expected = match self.value_type {
            Some(ValueType::Integer) => "a whole number",
            _ => "a number",
        };
        let says = format!("is not {expected} in {} of the rows", percent(x / n));
        Some(Issue { kind: IssueKind::WrongType, share: x / n, says })
    }

    /// Numbers out of range, or categories that the training data do not have.
    ///
    /// In the training data no number is out of range. Among m and n values of the same distribution, each of the greatest
    /// is one of the n with the probability n / (n + m). A category that one row of the training data has is one that the
    /// others do not know: so many rows of unknown categories are to be expected (I. J. Good, Biometrika 40 (1953) 237). The
    /// categories with two rows tell how uncertain that is.
    pub(crate) fn outside(&self, rules: &Rules, known: Known<'_>) -> Option<Issue> {
        let (m, n) = (real(sum(&self.expected)), real(sum(&self.observed)));
        let worth = self.worth();
        if m <= 0.0 || n <= 0.0 {
            return None;
        }
        if self.kind == ColumnKind::Numeric {
            let is_known = known.issues.contains(&IssueKind::OutOfRange);
            let beyond = |x: u64| self.differ([real(x), n, 0.0, m * worth], self.natural, rules, is_known);
            if !beyond(self.below) && !beyond(self.above) {
                return None;
            }
            let share = real(self.out_of_range()) / n;
            let (first, last) = (self.edges.first().copied()?, self.edges.last().copied()?);
            let (first, last) = (short_number(first), short_number(last));
            let says = format!(
                "is beyond the training data, {first} to {last}, in {} of the values",
                percent(share)
            );
            return Some(Issue { kind: IssueKind::OutOfRange, share, says });
        }
        let is_known = known.issues.contains(&IssueKind::NewCategory);
        let named = self.expected.len().saturating_sub(1);
        let with =
            |rows: u64| real(self.expected[..named].iter().filter(|count| **count == rows).count() as u64);
        let others = real(self.expected.last().copied().unwrap_or_default());
        let (x, k) = (real(self.out_of_range()), others + with(1));
        // Rows of the same category come together, so the counts say as much as fewer independent ones.
        let uncertain = 1.0 + 2.0 * with(2) / k.max(1.0);
        let counts = [x, n, k * worth, m * worth].map(|count| count / uncertain);
        if x <= n * k / m || !self.differ(counts, self.natural, rules, is_known) {
            return None;
        }
        let share = x / n;
        let says = if others > 0.0 {
            let before = percent(others / m);
            format!(
                "is no category of the baseline in {} of the values ({before} in the training data)",
                percent(share)
            )
        } else {
            format!("is a category that the training data do not have in {} of the values", percent(share))
        };
        Some(Issue { kind: IssueKind::NewCategory, share, says })
    }

    /// All values are the same, which is too unlikely for the training data.
    pub(crate) fn constant(&self, rules: &Rules) -> Option<Issue> {
        let (m, n) = (real(sum(&self.expected)), real(sum(&self.observed)));
        let mut used = (0..self.observed.len()).filter(|bin| self.observed[*bin] > 0);
        let (bin, None) = (used.next()?, used.next()) else { return None };
        let value = match self.kind {
            ColumnKind::Numeric => {
                let (least, most) = self.numbers.range.filter(|_| real(self.numbers.count) >= n)?;
                (least.total_cmp(&most).is_eq()).then(|| short_number(least))?
            }
            ColumnKind::Categorical => self.names.get(bin)?.clone(),
        };
        let share = real(self.expected.get(bin).copied()?) / m;
        if n / self.rows_for_one() * share.ln() >= rules.alpha().ln() {
            return None;
        }
        Some(Issue { kind: IssueKind::Constant, share: 1.0, says: format!("is always {value}") })
    }

    /// Whether `x` events in `n` rows differ from `k` in `m` rows of the training data: more than chance and natural change explain,
    /// and enough to matter. `counts` are x, n, k and m.
    fn differ(&self, counts: [f64; 4], natural: Natural, rules: &Rules, known: bool) -> bool {
        let (rules, alpha) = rules.for_known(known);
        let [x, n, k, m] = counts;
        if !(n > 0.0 && m > 0.0)
            || distance_of_shares((k / m).min(1.0), (x / n).min(1.0)) < rules.min_distance()
        {
            return false;
        }
        // Rows of a call are alike.
        let (x, n) = (x / self.rows_for_one(), n / self.rows_for_one());
        let chance = 1.0 / n + 1.0 / m;
        let worth = chance / (chance + natural.careful(alpha));
        let [x, n, k, m] = [x, n, k, m].map(|count| count * worth);
        more_events(x, n, k, m).min(fewer_events(x, n, k, m)) < alpha / 2.0
    }

    /// Mean and deviation have changed by the same factor.
    pub(crate) fn scaled(&self) -> Option<Issue> {
        let (mean, deviation) = self.moments?;
        let (now, spread) = self.numbers.moments(self.center())?;
        let (of_mean, of_deviation) = (now / mean, spread / deviation);
        let is_same = (of_mean / of_deviation - 1.0).abs() <= SAME_FACTOR;
        // A mean near 0 has no factor.
        let is_far = mean.abs() >= deviation / 5.0;
        if !(is_same && is_far && of_mean.ln().abs() >= OTHER_UNIT.ln()) {
            return None;
        }
        let (factor, what) = if of_mean > 1.0 { (of_mean, "large") } else { (1.0 / of_mean, "small") };
        let says = format!(
            "is about {} times as {what} as in the training data: does it have another unit?",
            short_number(two_digits(factor))
        );
        Some(Issue { kind: IssueKind::Scaled, share: 1.0, says })
    }
}

/// A proportion with about two digits.
pub(crate) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        _ if percent >= 9.95 || percent <= 0.0 => format!("{percent:.0} %"),
        _ if percent >= 0.95 => format!("{percent:.1} %"),
        _ if percent >= 0.01 => format!("{percent:.2} %"),
        _ => "less than 0.01 %".to_owned(),
    }
}

/// A number with four significant digits.
pub(crate) fn short_number(number: f64) -> String {
    match format!("{number:.3e}").parse::<f64>() {
        Ok(short) if short != 0.0 && !(1e-4..1e15).contains(&short.abs()) => format!("{short:e}"),
        Ok(short) => short.to_string(),
        Err(_) => number.to_string(),
    }
}

fn two_digits(number: f64) -> f64 {
    format!("{number:.1e}").parse().unwrap_or(number)
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
