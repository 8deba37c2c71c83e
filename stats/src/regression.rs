//! How far the numbers that a version predicted are from those that turned out to be true.

use crate::{
    groups::Groups,
    interval::{Estimate, student},
    moments::Moments,
    real::real,
};

/// The errors of a version. The x of the moments are predictions, the y outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Errors {
    /// Mean absolute error: the mean of |prediction - outcome|, in the output's unit.
    pub mae: Option<Estimate>,
    /// Root of the mean squared error, in the output's unit. Large errors count more than in `mae`.
    pub rmse: Option<Estimate>,
    /// Mean of prediction - outcome, in the output's unit. Above 0, predictions are too large.
    pub bias: Option<Estimate>,
    /// The coefficient of determination, 1 - squared errors / squared distances of the outcomes from their mean. At most 1; 0
    /// is as good as the mean of the outcomes.
    pub r2: Option<Estimate>,
}

/// The errors, with Student's intervals by the standard error of the groups.
pub(crate) fn errors(groups: &Groups<Moments>) -> Errors {
    let interval = |of: fn(&Moments) -> Option<f64>, least: f64, most: f64| {
        Some(student(&groups.spread(|of| of.count() == 0, of)?, least, most))
    };
    Errors {
        mae: interval(Moments::mean_absolute_difference, 0.0, f64::INFINITY),
        rmse: interval(rmse, 0.0, f64::INFINITY),
        bias: interval(bias, f64::NEG_INFINITY, f64::INFINITY),
        r2: interval(r2, f64::NEG_INFINITY, 1.0),
    }
}

/// The mean absolute error of the challenger less that of main, and the same of the root mean squared error. The pairs are main
/// and challenger.
pub(crate) fn differences(groups: &Groups<(Moments, Moments)>) -> [Option<Estimate>; 2] {
    let difference = |of: fn(&Moments) -> Option<f64>| {
        let spread = groups.spread(|pair| pair.0.count() == 0, |pair| Some(of(&pair.1)? - of(&pair.0)?))?;
        Some(student(&spread, f64::NEG_INFINITY, f64::INFINITY))
    };
    [difference(Moments::mean_absolute_difference), difference(rmse)]
}

fn squares(of: &Moments) -> f64 {
    let (mean_error, spread) = of.mean_and_squares_of_difference();
    spread + real(of.count()) * mean_error * mean_error
}

fn rmse(of: &Moments) -> Option<f64> {
    (of.count() > 0).then(|| (squares(of) / real(of.count())).sqrt())
}

fn bias(of: &Moments) -> Option<f64> {
    (of.count() > 0).then(|| of.mean_and_squares_of_difference().0)
}

fn r2(of: &Moments) -> Option<f64> {
    let total = of.squares_of_second();
    (total > 0.0).then(|| 1.0 - squares(of) / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::groups::Turn;

    const TRUE: [f64; 8] = [2.0, 1.0, 4.0, 3.0, 7.0, 8.0, 6.0, 9.0];
    const MAIN: [f64; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    const CHALLENGER: [f64; 8] = [2.5, 1.5, 4.5, 3.5, 7.5, 7.0, 6.5, 9.5];

    // scikit-learn 1.9.1: mean_absolute_error, root_mean_squared_error, r2_score of (TRUE, MAIN), and np.mean(MAIN - TRUE)
    #[test]
    fn the_errors_are_those_of_scikit_learn() {
        let (mut main, mut both) = (Groups::<Moments>::default(), Groups::<(Moments, Moments)>::default());
        for call in 0..8 {
            let turn = Turn::of(call as u64);
            main.of(turn).push(MAIN[call], TRUE[call]);
            let pair = both.of(turn);
            pair.0.push(MAIN[call], TRUE[call]);
            pair.1.push(CHALLENGER[call], TRUE[call]);
        }
        let found = errors(&main);
        let near = |estimate: Option<Estimate>, value: f64| {
            let estimate = estimate.expect("eight calls");
            assert!((estimate.value - value).abs() < 1e-12, "{estimate:?} {value}");
            assert!(estimate.low < value && value < estimate.high, "{estimate:?}");
        };
        near(found.mae, 1.25);
        near(found.rmse, 1.322_875_655_532_295_4);
        near(found.bias, -0.5);
        near(found.r2, 0.766_666_666_666_666_6);
        let [mae, rmse] = differences(&both);
        near(mae, 0.5625 - 1.25);
        near(rmse, 0.586_301_969_977_928_7 - 1.322_875_655_532_295_4);
    }
}
