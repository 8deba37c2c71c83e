//! How often the interval of a figure contains the truth: in 93 to 97 of 100 samples, for independent rows, for rows that are
//! alike within a call, and for rare events.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, LogNormal, StandardNormal};
use rstest::rstest;
use understudy_stats::{
    Answer, Comparison, Estimate, Identity, OutcomeRow, Outcomes, OutputKind, Role, Side,
};

use crate::world::{chance, random};

/// Samples of each test, unless the environment has another number: `make statistics` draws more.
const SAMPLES: u64 = 500;
/// From this number on, the share of intervals itself is certain enough.
pub const MANY: u64 = 2_000;

pub fn samples() -> u64 {
    let number = |text: String| text.parse().expect("STATISTICS_SAMPLES is a whole number");
    std::env::var("STATISTICS_SAMPLES").map_or(SAMPLES, number)
}

/// The calls of one sample.
#[derive(Clone, Copy)]
pub struct Calls {
    /// Their number.
    pub number: u64,
    /// Rows of each call.
    pub rows: u64,
    /// How much the rows of a call are alike, from 0 to 1: their intra-class correlation.
    pub alike: f64,
}

pub const SINGLE: Calls = Calls { number: 1_000, rows: 1, alike: 0.0 };
pub const BATCHES: Calls = Calls { number: 200, rows: 20, alike: 0.05 };

impl Calls {
    /// The probability of a hit in the rows of one call, if it is `mean` over all calls.
    pub fn probability(&self, mean: f64, random: &mut ChaCha8Rng) -> f64 {
        if self.alike == 0.0 {
            return mean;
        }
        let weight = 1.0 / self.alike - 1.0;
        Beta::new(mean * weight, (1.0 - mean) * weight).expect("positive").sample(random)
    }
}

/// How many of a hundred intervals contain the truth.
fn covered(figure: &str, truth: f64, estimate: impl Fn(&mut ChaCha8Rng) -> Option<Estimate>) -> f64 {
    let contains = |round: &u64| {
        estimate(&mut random(figure, *round)).is_some_and(|of| (of.low..=of.high).contains(&truth))
    };
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    let share = (0..samples()).filter(contains).count() as f64 / samples() as f64;
    100.0 * share
}

/// Fails unless 93 to 97 of a hundred intervals contain the truth; with few samples, unless 91 to 99 do. Prints a row of the table in docs/statistics.md.
#[track_caller]
pub fn assert_covered(
    figure: &str,
    Calls { number, rows, alike }: Calls,
    truth: f64,
    estimate: impl Fn(&mut ChaCha8Rng) -> Option<Estimate>,
) {
    let covered = covered(figure, truth, estimate);
    println!("| {figure}, {truth:.3} | {number} | {rows} | {alike} | {covered:.1} % |");
    let expected = if samples() < MANY { 91.0..=99.0 } else { 93.0..=97.0 };
    assert!(expected.contains(&covered), "{covered:.1} of 100 intervals contain the truth");
}

fn comparison(kind: OutputKind) -> Comparison {
    let identity = |version: &str| Identity { version: version.to_owned(), digest: String::new() };
    Comparison::new(identity("1"), identity("2"), 0, [("output".to_owned(), kind)])
}

#[rstest]
#[case::of_independent_rows(SINGLE, 0.9)]
#[case::of_rare_events(SINGLE, 0.02)]
#[case::of_rows_that_are_alike(BATCHES, 0.9)]
#[case::of_rare_events_in_rows_that_are_alike(BATCHES, 0.02)]
#[case::of_a_few_large_calls(Calls { number: 50, rows: 100, alike: 0.05 }, 0.7)]
fn the_interval_of_an_agreement_contains_the_truth(#[case] calls: Calls, #[case] truth: f64) {
    assert_covered("agreement", calls, truth, |random| {
        let mut comparison = comparison(OutputKind::Label);
        for _ in 0..calls.number {
            let probability = calls.probability(truth, random);
            comparison.pair(calls.rows);
            let agreed = (0..calls.rows).filter(|_| chance(probability, random)).count();
            comparison.labels(0, agreed as u64, calls.rows);
        }
        comparison.agreement(0)
    });
}

/// Standard normal numbers of the rows of one call, alike as in `calls`.
pub fn normal(calls: Calls, random: &mut ChaCha8Rng) -> impl FnMut(&mut ChaCha8Rng) -> f64 + use<> {
    let draw = |random: &mut ChaCha8Rng| -> f64 { StandardNormal.sample(random) };
    let common = calls.alike.sqrt() * draw(random);
    let own = (1.0 - calls.alike).sqrt();
    move |random| common + own * draw(random)
}

#[rstest]
#[case::of_independent_rows(Calls { number: 300, ..SINGLE })]
#[case::of_rows_that_are_alike(BATCHES)]
fn the_interval_of_a_mean_absolute_difference_contains_the_truth(#[case] calls: Calls) {
    // The mean of |x| for a standard normal x.
    let truth = (2.0 / std::f64::consts::PI).sqrt();
    assert_covered("mean absolute difference", calls, truth, |random| {
        let mut comparison = comparison(OutputKind::Number);
        for _ in 0..calls.number {
            let mut number = normal(calls, random);
            comparison.pair(calls.rows);
            (0..calls.rows).for_each(|_| comparison.numbers(0, number(random), 0.0));
        }
        comparison.mean_absolute_difference(0)
    });
}

#[rstest]
#[case::of_independent_rows(Calls { number: 300, ..SINGLE }, 0.8)]
#[case::of_rows_that_are_alike(BATCHES, 0.8)]
#[case::of_two_that_have_nothing_in_common(BATCHES, 0.0)]
fn the_interval_of_a_correlation_contains_the_truth(#[case] calls: Calls, #[case] truth: f64) {
    assert_covered("correlation", calls, truth, |random| {
        let mut comparison = comparison(OutputKind::Number);
        for _ in 0..calls.number {
            let (mut one, mut other) = (normal(calls, random), normal(calls, random));
            comparison.pair(calls.rows);
            for _ in 0..calls.rows {
                let x = one(random);
                comparison.numbers(0, x, truth * x + (1.0 - truth * truth).sqrt() * other(random));
            }
        }
        comparison.correlation(0)
    });
}

#[test]
fn the_interval_of_the_correlation_of_skewed_scores_contains_the_truth() {
    let skewed = Beta::new(0.5, 49.5).expect("positive");
    assert_covered("correlation of scores at a base rate of 1 %", SINGLE, 0.0, |random| {
        let mut comparison = comparison(OutputKind::Number);
        for _ in 0..SINGLE.number {
            comparison.pair(1);
            comparison.numbers(0, skewed.sample(random), skewed.sample(random));
        }
        comparison.correlation(0)
    });
}

/// Whether main and challenger are right in a row: alike as in `calls`, and more often both than by chance.
#[rstest]
#[case::of_independent_rows(SINGLE, 0.9, 0.92)]
#[case::of_rare_hits(SINGLE, 0.01, 0.02)]
#[case::of_rows_that_are_alike(BATCHES, 0.9, 0.92)]
#[case::of_rare_hits_in_rows_that_are_alike(BATCHES, 0.01, 0.02)]
fn the_interval_of_a_difference_of_accuracy_contains_the_truth(
    #[case] calls: Calls,
    #[case] main: f64,
    #[case] challenger: f64,
) {
    assert_covered("difference of accuracy", calls, challenger - main, |random| {
        let mut outcomes = Outcomes::default();
        for _ in 0..calls.number {
            let probabilities = [main, challenger].map(|mean| calls.probability(mean, random));
            // In half of the rows both see the same luck.
            let row = |_| {
                let luck = [chance_number(random), chance_number(random)];
                let shared = chance(0.5, random);
                let second = if shared { luck[0] } else { luck[1] };
                let side = |right| Side { right, class: None, scores: &[] };
                let challenger = Some(side(second < probabilities[1]));
                OutcomeRow { class: None, main: side(luck[0] < probabilities[0]), challenger, value: None }
            };
            let rows: Vec<_> = (0..calls.rows).map(row).collect();
            outcomes.join(rows);
        }
        outcomes.difference()
    });
}

fn chance_number(random: &mut ChaCha8Rng) -> f64 {
    rand::RngExt::random(random)
}

#[rstest]
#[case::the_median(1_000, 0.5, 0.0)]
#[case::the_median_of_few_calls(50, 0.5, 0.0)]
#[case::the_99th_percentile(1_000, 0.99, 2.326_347_874)]
#[case::the_99th_percentile_of_many_calls(5_000, 0.99, 2.326_347_874)]
fn the_interval_of_a_latency_contains_the_truth(
    #[case] calls: u64,
    #[case] q: f64,
    #[case] normal_quantile: f64,
) {
    let times = LogNormal::new(-7.0, 0.8).expect("a finite spread");
    let truth = (0.8 * normal_quantile - 7.0).exp();
    assert_covered(
        &format!("latency p{:.0}", 100.0 * q),
        Calls { number: calls, ..SINGLE },
        truth,
        |random| {
            let mut comparison = comparison(OutputKind::Label);
            for _ in 0..calls {
                let latency = Some(Duration::from_secs_f64(times.sample(random)));
                comparison.answered(Answer { error: false, latency }, Answer::default());
            }
            let found = comparison.latency(Role::Main, q)?;
            let [value, low] = [found.value, found.low].map(|time| time.as_secs_f64());
            Some(Estimate { value, low, high: found.high?.as_secs_f64() })
        },
    );
}
