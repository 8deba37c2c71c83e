//! What the interval of a figure allows to conclude: a small sample must not look like a result. Pure.

use serde::Serialize;
use understudy_crds::{
    Comparison, Difference, Measure, OutcomeComparison, OutputComparison, VersionEstimates,
};

/// Below this number of values, the normal distribution is a bad model for the interval of a mean or a correlation.
const FEW: i64 = 30;
/// The change of a share that must show for a result: 5 percentage points.
const SHARE: f64 = 0.05;
/// The same for a correlation.
const CORRELATION: f64 = 0.1;
/// The same for a mean, as a part of the mean.
const MEAN: f64 = 0.25;
/// The smallest change that shows in 4 of 5 samples, as a part of the width of the 95 % interval: (1.96 + 0.84) standard errors,
/// where the interval has 2 times 1.96.
const SHOWS: f64 = (1.959_964 + 0.841_621) / (2.0 * 1.959_964);

/// What can be concluded from one figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// The smallest change of the figure, or difference of both versions, that would show in 4 of 5 samples of this size.
    pub shows: f64,
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
    /// The mean log loss of both versions' scores.
    LogLoss,
    /// The mean absolute errors of both.
    Mae,
    /// The roots of the mean squared errors of both.
    Rmse,
    /// The shares of the value for which both were right.
    Value,
}

/// A conclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Significance {
    /// A change of the figure that matters would show in 4 of 5 samples.
    Enough,
    /// It would not, or the sample is small.
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
            (Figure::Agreement, output.agreement, SHARE),
            (Figure::MeanAbsoluteDifference, output.mean_absolute_difference, mean(output)),
            (Figure::Correlation, output.correlation, CORRELATION),
        ];
        readings.extend(figures.into_iter().filter_map(|(figure, measure, matters)| {
            let measure = measure?;
            Some(Reading {
                figure,
                output: Some(output.name.clone()),
                significance: judged(&measure, matters),
                shows: shows(measure.low, measure.high),
            })
        }));
    }
    let outcomes = comparison.outcomes.as_deref();
    let ends = |of: Difference| (of.low, of.high);
    let of_outcomes = |figure: fn(&OutcomeComparison) -> Option<&VersionEstimates>| {
        outcomes.and_then(figure)?.difference.map(|of| (of.low, of.high))
    };
    let both = [
        // Fewer errors are better.
        (Figure::Errors, comparison.error_difference.map(ends), Significance::MainIsBetter),
        (
            Figure::Accuracy,
            outcomes.and_then(|outcomes| outcomes.difference).map(ends),
            Significance::ChallengerIsBetter,
        ),
        (
            Figure::BalancedAccuracy,
            of_outcomes(|of| of.balanced_accuracy.as_ref()),
            Significance::ChallengerIsBetter,
        ),
        // Smaller errors and losses are better.
        (Figure::LogLoss, of_outcomes(|of| of.log_loss.as_ref()), Significance::MainIsBetter),
        (Figure::Mae, of_outcomes(|of| Some(&of.numbers.as_ref()?.mae)), Significance::MainIsBetter),
        (Figure::Rmse, of_outcomes(|of| Some(&of.numbers.as_ref()?.rmse)), Significance::MainIsBetter),
        (Figure::Value, of_outcomes(|of| Some(&of.value.as_ref()?.right)), Significance::ChallengerIsBetter),
    ];
    readings.extend(both.into_iter().filter_map(|(figure, ends, more)| {
        let (low, high) = ends?;
        Some(Reading { figure, output: None, significance: better(low, high, more), shows: shows(low, high) })
    }));
    readings
}

/// The smallest change that would show in 4 of 5 samples, by the ends of an interval.
pub(super) fn shows(low: f64, high: f64) -> f64 {
    SHOWS * (high - low)
}

fn mean(output: &OutputComparison) -> f64 {
    MEAN * output.mean_absolute_difference.map_or(0.0, |measure| measure.value)
}

/// Whether a change of the figure that `matters` would show.
fn judged(measure: &Measure, matters: f64) -> Significance {
    if measure.compared < FEW || shows(measure.low, measure.high) > matters {
        Significance::TooFewToTell
    } else {
        Significance::Enough
    }
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

    // An interval from 0.93 to 1 shows a change of 5 percentage points.
    #[rstest]
    #[case(measure(1.0, 0.886, 1.0, 30), Significance::TooFewToTell)]
    #[case(measure(1.0, 0.99, 1.0, 29), Significance::TooFewToTell)]
    #[case(measure(0.965, 0.92, 0.991, 143), Significance::TooFewToTell)]
    #[case(measure(0.965, 0.93, 0.999, 143), Significance::Enough)]
    fn a_share_is_a_result_if_five_percentage_points_would_show(
        #[case] measure: Measure,
        #[case] expected: Significance,
    ) {
        assert_eq!(judged(&measure, SHARE), expected);
    }

    #[rstest]
    #[case(measure(0.03, 0.01, 0.05, 500), Significance::TooFewToTell)]
    #[case(measure(0.03, 0.028, 0.032, 500), Significance::Enough)]
    #[case(measure(0.0, 0.0, 0.0, 500), Significance::Enough)]
    fn a_mean_is_a_result_if_a_quarter_of_it_would_show(
        #[case] measure: Measure,
        #[case] expected: Significance,
    ) {
        assert_eq!(judged(&measure, MEAN * measure.value), expected);
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
