use std::time::Duration;

use proptest::prelude::*;

use super::{Answer, Comparison, Identity, OutputKind, Role};
use crate::interval::Estimate;

fn identity(version: &str) -> Identity {
    Identity { version: version.to_owned(), digest: format!("sha256:{version}") }
}

fn new(challenger: &str, since: u64) -> Comparison {
    let outputs = [("label".to_owned(), OutputKind::Label), ("score".to_owned(), OutputKind::Number)];
    Comparison::new(identity("1.0.0"), identity(challenger), since, outputs)
}

fn answer(error: bool, micros: u64) -> Answer {
    Answer { error, latency: Some(Duration::from_micros(micros)) }
}

#[test]
fn main_and_challenger_are_counted_separately() {
    let mut comparison = new("1.1.0", 5);
    for _ in 0..9 {
        comparison.answered(answer(false, 100), answer(true, 3000));
    }
    comparison.answered(Answer { error: true, latency: None }, Answer::default());
    assert_eq!(comparison.calls(), 10);
    assert_eq!((comparison.errors(Role::Main), comparison.errors(Role::Challenger)), (1, 9));
    assert_eq!(comparison.error_rate(Role::Main).map(|rate| rate.value), Some(0.1));
    let median = |role| comparison.latency(role, 0.5).expect("there are times").value.as_micros();
    assert!((94..=106).contains(&median(Role::Main)));
    assert!((2800..=3200).contains(&median(Role::Challenger)));
}

#[test]
fn a_copy_without_an_answer_counts_for_availability_and_a_wait_also_for_latency() {
    let mut comparison = new("1.1.0", 5);
    assert_eq!(comparison.availability(), None);
    for _ in 0..6 {
        comparison.answered(answer(false, 100), answer(false, 3000));
    }
    for waited in [None, Some(Duration::from_secs(1)), Some(Duration::from_secs(1)), None] {
        comparison.unanswered(answer(true, 100), waited);
    }
    assert_eq!((comparison.copied(), comparison.calls()), (10, 6));
    assert_eq!(comparison.availability().map(|share| share.value), Some(0.6));
    assert_eq!((comparison.errors(Role::Main), comparison.errors(Role::Challenger)), (0, 0));
    let slowest = comparison.latency(Role::Challenger, 0.99).expect("there are times");
    assert!(slowest.at_least && slowest.value >= Duration::from_millis(940), "{slowest:?}");
    assert!(!comparison.latency(Role::Main, 0.99).expect("there are times").at_least);
}

#[test]
fn labels_have_an_agreement_and_numbers_a_difference_and_a_correlation() {
    let mut comparison = new("1.1.0", 5);
    comparison.labels(0, 3, 4);
    comparison.numbers(0, 1.0, 2.0);
    comparison.labels(1, 3, 4);
    for value in [0.1, 0.2, 0.3, 0.4] {
        comparison.pair(1);
        comparison.numbers(1, value, value + 0.5);
    }
    comparison.numbers(1, f64::NAN, 0.5);
    assert_eq!((comparison.compared(0), comparison.agreed(0)), (4, 3));
    assert_eq!(comparison.agreement(0).map(|agreement| agreement.value), Some(0.75));
    assert_eq!((comparison.mean_absolute_difference(0), comparison.correlation(0)), (None, None));
    assert_eq!((comparison.compared(1), comparison.left_out(1)), (4, 1));
    assert_eq!(comparison.agreement(1), None);
    assert!(comparison.mean_absolute_difference(1).is_some_and(|apart| (apart.value - 0.5).abs() < 1e-12));
    assert!(comparison.correlation(1).is_some_and(|r| (r.value - 1.0).abs() < 1e-9));
}

#[test]
fn values_of_an_unknown_output_are_ignored() {
    let mut comparison = new("1.1.0", 5);
    comparison.labels(2, 1, 1);
    comparison.numbers(9, 1.0, 1.0);
    assert_eq!(comparison, new("1.1.0", 5));
    assert_eq!(comparison.agreement(2), None);
}

#[test]
fn a_merged_comparison_has_the_earlier_since() {
    let mut merged = new("1.1.0", 5);
    merged.merge(&new("1.1.0", 3));
    assert_eq!(merged.since(), 3);
}

#[test]
fn of_two_different_pairs_the_later_stays_in_either_order_of_merging() {
    let (mut old, mut young) = (new("1.1.0", 5), new("1.2.0", 9));
    old.pair(1);
    let before = young.clone();
    young.merge(&old);
    assert_eq!(young, before);
    old.merge(&young);
    assert_eq!(old, young);

    let (mut one, mut two) = (new("1.1.0", 5), new("1.2.0", 5));
    let first = one.clone();
    one.merge(&two);
    two.merge(&first);
    assert_eq!(one, two);
}

// One call: whether main failed, its latency in us, whether the labels agree, and the two numbers.
type Counted = (bool, u32, bool, f64, f64);

fn of(calls: &[Counted]) -> Comparison {
    let mut comparison = new("1.1.0", 5);
    for (error, micros, agreed, x, y) in calls {
        let main = answer(*error, u64::from(*micros));
        if *error && *agreed {
            comparison.unanswered(main, Some(Duration::from_micros(u64::from(*micros))));
        } else {
            comparison.answered(main, answer(!error, u64::from(*micros / 2)));
        }
        comparison.pair(1);
        comparison.labels(0, u64::from(*agreed), 1);
        comparison.numbers(1, *x, *y);
    }
    comparison
}

fn near(one: Option<Estimate>, two: Option<Estimate>) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0);
    match (one, two) {
        (None, None) => true,
        (Some(one), Some(two)) => {
            near(one.value, two.value) && near(one.low, two.low) && near(one.high, two.high)
        }
        _ => false,
    }
}

fn calls() -> impl Strategy<Value = Vec<Counted>> {
    let number = || prop_oneof![9 => -1e3_f64..1e3, 1 => Just(f64::NAN)];
    prop::collection::vec((any::<bool>(), any::<u32>(), any::<bool>(), number(), number()), 0..60)
}

proptest! {
    #[test]
    fn the_merged_counts_of_two_pods_equal_those_of_one_pod_with_all_calls(one in calls(), two in calls()) {
        let mut merged = of(&one);
        merged.merge(&of(&two));
        let all = of(&[one, two].concat());
        prop_assert_eq!(merged.pairs(), all.pairs());
        for role in Role::ALL {
            prop_assert_eq!(merged.error_rate(role), all.error_rate(role));
            prop_assert_eq!(merged.latency(role, 0.9), all.latency(role, 0.9));
        }
        prop_assert_eq!(merged.availability(), all.availability());
        prop_assert_eq!(merged.agreement(0), all.agreement(0));
        prop_assert_eq!((merged.compared(1), merged.left_out(1)), (all.compared(1), all.left_out(1)));
        // The interval depends on which calls are in one group.
        let value = |of: Option<Estimate>| of.map_or(0.0, |of| of.value);
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0);
        let apart = |of: &Comparison| value(of.mean_absolute_difference(1));
        prop_assert!(close(apart(&merged), apart(&all)) || all.compared(1) < 4);
        prop_assert!(close(value(merged.correlation(1)), value(all.correlation(1))) || all.compared(1) < 8);
    }

    #[test]
    fn a_comparison_is_read_as_it_was_written(calls in calls()) {
        let sent = of(&calls);
        let json = serde_json::to_string(&sent).expect("it is plain data");
        let read: Comparison = serde_json::from_str(&json).expect("it was just written");
        prop_assert_eq!(read.agreement(0), sent.agreement(0));
        prop_assert_eq!(read.latency(Role::Challenger, 0.5), sent.latency(Role::Challenger, 0.5));
        prop_assert!(near(read.correlation(1), sent.correlation(1)));
        prop_assert!(near(read.mean_absolute_difference(1), sent.mean_absolute_difference(1)));
    }
}
