//! How often the intervals of precision, recall, F1 and balanced accuracy contain the truth, of a rare class.

use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use understudy_stats::{Estimate, OutcomeRow, Outcomes, Role, Side};

use crate::{
    coverage::{BATCHES, Calls, SINGLE, assert_covered},
    world::chance,
};

/// One in ten rows is fraud.
const FRAUD: f64 = 0.1;
/// How often a version takes a good row for fraud.
const FALSE_ALARM: f64 = 0.05;
/// How often main and the challenger find fraud.
const FOUND: [f64; 2] = [0.8, 0.9];

fn name(fraud: bool) -> &'static str {
    if fraud { "fraud" } else { "fine" }
}

fn outcomes(calls: Calls, random: &mut ChaCha8Rng) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for _ in 0..calls.number {
        let fraud = calls.probability(FRAUD, random);
        let found = FOUND.map(|found| calls.probability(found, random));
        let false_alarm = calls.probability(FALSE_ALARM, random);
        let rows: Vec<_> = (0..calls.rows)
            .map(|_| {
                let is_fraud = chance(fraud, random);
                let [main, challenger] = found.map(|found| {
                    let predicted = chance(if is_fraud { found } else { false_alarm }, random);
                    Side { right: predicted == is_fraud, class: Some(name(predicted)), scores: &[] }
                });
                OutcomeRow { class: Some(name(is_fraud)), main, challenger: Some(challenger), value: None }
            })
            .collect();
        outcomes.join(rows);
    }
    outcomes
}

#[rstest]
#[case::precision("precision", 0.64, |of: &Outcomes| of.scores(Role::Main, "fraud").precision)]
#[case::recall("recall", 0.8, |of: &Outcomes| of.scores(Role::Main, "fraud").recall)]
#[case::f1("F1", 0.711_111_111, |of: &Outcomes| of.scores(Role::Main, "fraud").f1)]
#[case::balanced_accuracy("balanced accuracy", 0.875, |of: &Outcomes| of.balanced_accuracy(Role::Main))]
#[case::their_difference("difference of balanced accuracy", 0.05, Outcomes::balanced_difference)]
fn the_interval_of_a_score_contains_the_truth(
    #[case] figure: &str,
    #[case] truth: f64,
    #[case] of: fn(&Outcomes) -> Option<Estimate>,
    #[values(SINGLE, BATCHES)] calls: Calls,
) {
    assert_covered(figure, calls, truth, |random| of(&outcomes(calls, random)));
}
