//! How often the intervals of scores and of the errors of numbers contain the truth.

use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use understudy_stats::{Errors, Estimate, NumberRow, OutcomeRow, Outcomes, Role, Side};

use crate::{
    coverage::{BATCHES, Calls, SINGLE, assert_covered, normal},
    world::chance,
};

/// One in ten rows is fraud, or one in fifty.
const FRAUD: f64 = 0.1;
const RARE: f64 = 0.02;
/// The logarithm of the odds of a score: normal with the deviation 1, and this much larger for fraud.
const APART: f64 = 1.5;
/// Where it begins, so that the scores are not far from the probabilities.
const BEGINS: f64 = -3.0;

fn score(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

fn scored(calls: Calls, fraud: f64, random: &mut ChaCha8Rng) -> Outcomes {
    let mut outcomes = Outcomes::of_classes(&["fine", "fraud"].map(str::to_owned));
    for _ in 0..calls.number {
        let (mut luck, share) = (normal(calls, random), calls.probability(fraud, random));
        let rows: Vec<(bool, [f32; 1])> = (0..calls.rows)
            .map(|_| {
                let is_fraud = chance(share, random);
                #[expect(clippy::cast_possible_truncation, reason = "scores are float32")]
                let score = score(BEGINS + if is_fraud { APART } else { 0.0 } + luck(random)) as f32;
                (is_fraud, [score])
            })
            .collect();
        outcomes.join(rows.iter().map(|(is_fraud, scores)| OutcomeRow {
            class: Some(if *is_fraud { "fraud" } else { "fine" }),
            main: Side { right: true, class: None, scores },
            challenger: None,
            value: None,
        }));
    }
    outcomes
}

/// The normal distribution function of 1.5 / sqrt(2).
const AUC: f64 = 0.855_577_811_4;

#[rstest]
#[case::of_independent_rows(SINGLE, FRAUD)]
#[case::of_rows_that_are_alike(BATCHES, FRAUD)]
#[case::of_a_rare_class(Calls { number: 3_000, ..SINGLE }, RARE)]
fn the_interval_of_an_auc_contains_the_truth(#[case] calls: Calls, #[case] fraud: f64) {
    assert_covered("AUC", calls, AUC, |random| scored(calls, fraud, random).auc(Role::Main, "fraud"));
}

/// The mean log loss, by the sum over a fine grid of odds.
fn log_loss(fraud: f64) -> f64 {
    let grid = (-8_000..=8_000).map(|step| f64::from(step) / 1_000.0);
    grid.map(|x| {
        let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() / 1_000.0;
        let of_fraud = -score(BEGINS + APART + x).ln();
        let of_fine = -(1.0 - score(BEGINS + x)).ln();
        density * (fraud * of_fraud + (1.0 - fraud) * of_fine)
    })
    .sum()
}

#[rstest]
#[case::of_independent_rows(SINGLE, FRAUD)]
#[case::of_rows_that_are_alike(BATCHES, FRAUD)]
#[case::of_a_rare_class(Calls { number: 3_000, ..SINGLE }, RARE)]
fn the_interval_of_a_log_loss_contains_the_truth(#[case] calls: Calls, #[case] fraud: f64) {
    assert_covered("log loss", calls, log_loss(fraud), |random| {
        scored(calls, fraud, random).log_loss(Role::Main)
    });
}

/// Main's numbers are 0.3 too large on average. The deviation of both versions' errors is 1, that of the outcomes 2.
fn numbers(calls: Calls, random: &mut ChaCha8Rng) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for _ in 0..calls.number {
        let (mut truth, mut error, mut other) =
            (normal(calls, random), normal(calls, random), normal(calls, random));
        let rows: Vec<_> = (0..calls.rows)
            .map(|_| {
                let (outcome, error, other) = (2.0 * truth(random), error(random), other(random));
                // The errors of both have much in common.
                let theirs = 0.8 * error + 0.6 * other;
                NumberRow { outcome, main: outcome + 0.3 + error, challenger: Some(outcome + theirs) }
            })
            .collect();
        outcomes.join_numbers(rows);
    }
    outcomes
}

/// The mean of |x| for a normal x with the mean 0.3 and the deviation 1, by the sum over a fine grid.
fn mean_absolute() -> f64 {
    let grid = (-8_000..=8_000).map(|step| f64::from(step) / 1_000.0);
    grid.map(|x| (x + 0.3).abs() * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() / 1_000.0).sum()
}

#[rstest]
#[case::mae("MAE", mean_absolute(), |of: Errors| of.mae)]
#[case::rmse("RMSE", 1.09_f64.sqrt(), |of: Errors| of.rmse)]
#[case::bias("bias", 0.3, |of: Errors| of.bias)]
#[case::r2("R2", 1.0 - 1.09 / 4.0, |of: Errors| of.r2)]
fn the_interval_of_an_error_contains_the_truth(
    #[case] figure: &str,
    #[case] truth: f64,
    #[case] of: fn(Errors) -> Option<Estimate>,
    #[values(SINGLE, BATCHES)] calls: Calls,
) {
    assert_covered(figure, calls, truth, |random| of(numbers(calls, random).errors(Role::Main)));
}

#[rstest]
fn the_interval_of_a_difference_of_mae_contains_the_truth(#[values(SINGLE, BATCHES)] calls: Calls) {
    let truth = (2.0 / std::f64::consts::PI).sqrt() - mean_absolute();
    assert_covered("difference of MAE", calls, truth, |random| numbers(calls, random).error_differences()[0]);
}

/// A tenth of the rows is worth more, and harder.
#[rstest]
fn the_interval_of_a_share_of_value_contains_the_truth(#[values(SINGLE, BATCHES)] calls: Calls) {
    assert_covered("share of value", calls, (0.86 + 3.6 * 0.9) / 4.6, |random| {
        let mut outcomes = Outcomes::default();
        for _ in 0..calls.number {
            let right = calls.probability(0.9, random);
            let rows: Vec<_> = (0..calls.rows)
                .map(|_| {
                    let value = if chance(0.1, random) { 10.0 } else { 4.0 };
                    (chance(if value > 5.0 { right - 0.04 } else { right }, random), value)
                })
                .collect();
            outcomes.join(rows.into_iter().map(|(right, value)| OutcomeRow {
                class: None,
                main: Side { right, class: None, scores: &[] },
                challenger: None,
                value: Some(value),
            }));
        }
        outcomes.value_share(Role::Main)
    });
}
