//! What the interval of a figure allows to conclude: a small sample must not look like a result. Pure.

use serde::Serialize;
use understudy_crds::{Comparison, Measure};

/// Below this number of values, the normal distribution is a bad model for the interval of a mean or a correlation.
const FEW: i64 = 30;
/// The widest interval of a share that counts as a result: 35 values that all agree are enough, and 381 of which half
/// agree.
const WIDE_SHARE: f64 = 0.1;
/// The same for a correlation, whose range is twice as wide: from -1 to 1.
const WIDE_CORRELATION: f64 = 0.2;
/// The same for a mean, as a multiple of the mean: it may be 50 % larger or smaller.
const WIDE_MEAN: f64 = 1.0;

/// What can be concluded from one figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The figure.
    #[serde(rename = "subject")]
    pub figure: Figure,
    /// The output that it belongs to; `None` for figures of a role.
    pub output: Option<String>,
    /// The conclusion.
    #[serde(rename = "verdict")]
    pub significance: Significance,
}

/// A figure with an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Figure {
    /// The share of values on which both agree.
    Agreement,
    /// The mean distance of their numbers.
    MeanAbsoluteDifference,
    /// Whether their numbers rise and fall together.
    Correlation,
    /// The shares of errors of both.
    Errors,
    /// The shares of correct predictions of both.
    Accuracy,
    /// The mean recall of all classes of both.
    BalancedAccuracy,
}

/// A conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Significance {
    /// The interval is narrow enough to rely on the figure.
    Enough,
    /// The sample is small, or the interval wide.
    TooFewToTell,
    /// The interval of the difference contains 0.
    NoDifferenceYet,
    /// It does not, and main's figure is better.
    MainIsBetter,
    /// It does not, and the challenger's figure is better.
    ChallengerIsBetter,
}

impl Significance {
    /// The conclusion in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Enough => "enough to tell",
            Self::TooFewToTell => "too few to tell",
            Self::NoDifferenceYet => "no difference yet",
            Self::MainIsBetter => "main is better",
            Self::ChallengerIsBetter => "the challenger is better",
        }
    }
}

/// A reading for every figure that the comparison has.
#[must_use]
pub fn readings(comparison: &Comparison) -> Vec<Reading> {
    let mut readings = vec![];
    for output in &comparison.outputs {
        let figures = [
            (Figure::Agreement, output.agreement.as_ref().map(share)),
            (Figure::MeanAbsoluteDifference, output.mean_absolute_difference.as_ref().map(mean)),
            (Figure::Correlation, output.correlation.as_ref().map(correlation)),
        ];
        readings.extend(figures.into_iter().filter_map(|(figure, significance)| {
            Some(Reading { figure, output: Some(output.name.clone()), significance: significance? })
        }));
    }
    let both = [
        (Figure::Errors, errors(comparison)),
        (Figure::Accuracy, accuracy(comparison)),
        (Figure::BalancedAccuracy, balanced_accuracy(comparison)),
    ];
    readings.extend(both.into_iter().filter_map(|(figure, significance)| {
        Some(Reading { figure, output: None, significance: significance? })
    }));
    readings
}

fn share(measure: &Measure) -> Significance {
    judged(measure, WIDE_SHARE)
}

fn correlation(measure: &Measure) -> Significance {
    judged(measure, WIDE_CORRELATION)
}

fn mean(measure: &Measure) -> Significance {
    judged(measure, WIDE_MEAN * measure.value)
}

fn judged(measure: &Measure, wide: f64) -> Significance {
    if measure.compared < FEW || measure.high - measure.low > wide {
        Significance::TooFewToTell
    } else {
        Significance::Enough
    }
}

fn errors(comparison: &Comparison) -> Option<Significance> {
    // Fewer errors are better.
    let difference = comparison.error_difference.as_ref()?;
    Some(better(difference.low, difference.high, Significance::MainIsBetter))
}

fn accuracy(comparison: &Comparison) -> Option<Significance> {
    let difference = comparison.outcomes.as_ref()?.difference.as_ref()?;
    Some(better(difference.low, difference.high, Significance::ChallengerIsBetter))
}

fn balanced_accuracy(comparison: &Comparison) -> Option<Significance> {
    let difference = comparison.outcomes.as_ref()?.balanced_accuracy.as_ref()?.difference?;
    Some(better(difference.low, difference.high, Significance::ChallengerIsBetter))
}

/// Which of the two is better, by the ends of the interval of their difference. `more` is the conclusion if the challenger's
/// share is larger.
fn better(low: f64, high: f64, more: Significance) -> Significance {
    let less = match more {
        Significance::MainIsBetter => Significance::ChallengerIsBetter,
        _ => Significance::MainIsBetter,
    };
    if low > 0.0 {
        more
    } else if high < 0.0 {
        less
    } else {
        Significance::NoDifferenceYet
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn measure(value: f64, low: f64, high: f64, compared: i64) -> Measure {
        Measure { value, low, high, compared }
    }

    #[rstest]
    #[case(measure(1.0, 0.886, 1.0, 30), Significance::TooFewToTell)]
    #[case(measure(1.0, 0.99, 1.0, 29), Significance::TooFewToTell)]
    #[case(measure(0.965, 0.92, 0.985, 143), Significance::Enough)]
    fn a_share_of_a_small_sample_is_not_a_result(#[case] measure: Measure, #[case] expected: Significance) {
        assert_eq!(share(&measure), expected);
    }

    #[rstest]
    #[case(measure(0.03, 0.01, 0.05, 500), Significance::TooFewToTell)]
    #[case(measure(0.03, 0.028, 0.032, 500), Significance::Enough)]
    #[case(measure(0.0, 0.0, 0.0, 500), Significance::Enough)]
    fn the_interval_of_a_mean_is_judged_by_the_size_of_the_mean(
        #[case] measure: Measure,
        #[case] expected: Significance,
    ) {
        assert_eq!(mean(&measure), expected);
    }

    #[rstest]
    #[case(-0.01, 0.03, Significance::NoDifferenceYet, Significance::NoDifferenceYet)]
    #[case(0.01, 0.03, Significance::MainIsBetter, Significance::ChallengerIsBetter)]
    #[case(-0.03, -0.01, Significance::ChallengerIsBetter, Significance::MainIsBetter)]
    fn one_version_is_better_only_if_the_interval_of_the_difference_does_not_contain_zero(
        #[case] low: f64,
        #[case] high: f64,
        #[case] of_errors: Significance,
        #[case] of_accuracy: Significance,
    ) {
        assert_eq!(better(low, high, Significance::MainIsBetter), of_errors);
        assert_eq!(better(low, high, Significance::ChallengerIsBetter), of_accuracy);
    }
}
