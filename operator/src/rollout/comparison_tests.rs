//! What the status says of a pair, and when it says it anew.

use std::time::Duration;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number of seconds is a time")
}

fn identity(version: &str) -> stats::Identity {
    stats::Identity { version: version.to_owned(), digest: format!("sha256:{version}") }
}

/// A hundred pairs: 90 labels agree, main fails 2 times and the challenger 4 times. Ten more copies have no answer.
fn counted() -> stats::Summary {
    let outputs =
        [("label".to_owned(), stats::OutputKind::Label), ("score".to_owned(), stats::OutputKind::Number)];
    let mut counted = stats::Comparison::new(identity("1.2.0"), identity("1.3.0"), 7, outputs);
    for i in 0_u8..100 {
        let answer = |error, micros| stats::Answer { error, latency: Some(Duration::from_micros(micros)) };
        counted.answered(answer(i < 2, 100), answer(i < 4, 200));
        counted.pair(1);
        counted.labels(0, u64::from(i < 90), 1);
        counted.numbers(1, f64::from(i), f64::from(i) + 0.5);
    }
    for _ in 0..10 {
        counted.unanswered(stats::Answer::default(), Some(Duration::from_secs(1)));
    }
    let mut outcomes = stats::Outcomes::default();
    for (class, main, challenger) in [("yes", "yes", "no"), ("no", "yes", "no")] {
        let side = |predicted| stats::Side { right: predicted == class, class: Some(predicted), scores: &[] };
        let (main, challenger) = (side(main), Some(side(challenger)));
        outcomes.join([stats::OutcomeRow { class: Some(class), main, challenger, value: None }]);
    }
    let mut summary = stats::Summary::new(identity("1.2.0"));
    summary.comparison = Some(counted);
    summary.outcomes = Some(outcomes);
    summary
}

fn pair(of: &[stats::Identity; 2]) -> (&stats::Identity, &stats::Identity) {
    (&of[0], &of[1])
}

#[test]
fn every_number_has_its_interval_and_belongs_to_the_right_version() {
    let both = [identity("1.2.0"), identity("1.3.0")];
    let found = next(None, Some(pair(&both)), Some(&counted()), at(60)).expect("a comparison");
    assert_eq!((found.main.version.as_str(), found.challenger.version.as_str()), ("1.2.0", "1.3.0"));
    assert_eq!((found.since.0, found.at.0, found.pairs), (at(7), at(60), 100));
    let [main, challenger] = &found.roles[..] else { panic!("two roles") };
    assert_eq!((main.role, main.calls, main.errors), (Role::Main, 100, 2));
    assert_eq!((challenger.role, challenger.calls, challenger.errors), (Role::Challenger, 100, 4));
    let median = |of: &RoleComparison| of.latency.as_ref().expect("a latency").p50_micros;
    assert!(median(main) < median(challenger), "{found:?}");
    let slowest = |of: &RoleComparison| of.latency.clone().expect("a latency");
    assert!(slowest(challenger).p99_at_least && !slowest(main).p99_at_least, "{found:?}");
    assert!(slowest(challenger).p99_interval.is_some_and(|interval| interval.high_micros.is_none()));
    assert_eq!(found.copied, 110);
    assert!(found.availability.is_some_and(|share| (0.90..0.91).contains(&share.value)), "{found:?}");
    let more = found.error_difference.expect("a difference");
    assert!((more.value - 0.02).abs() < 1e-9 && more.low < 0.0 && more.compared == 100, "{more:?}");
    let rate = main.error_rate.expect("a rate");
    assert!(rate.low < rate.value && rate.value < rate.high, "{rate:?}");

    let [label, score] = &found.outputs[..] else { panic!("two outputs") };
    let agreement = label.agreement.expect("an agreement");
    assert_eq!((label.name.as_str(), agreement.compared), ("label", 100));
    assert!((agreement.value - 0.9).abs() < 1e-9 && agreement.low < 0.9 && agreement.high > 0.9);
    assert!(label.correlation.is_none() && score.agreement.is_none());
    let difference = score.mean_absolute_difference.expect("a difference");
    assert!((difference.value - 0.5).abs() < 1e-9, "{difference:?}");
    let outcomes = found.outcomes.expect("outcomes");
    assert_eq!(outcomes.joined, 2);
    assert!(outcomes.difference.is_some_and(|same| same.value.abs() < 1e-9 && same.p_value > 0.99));
    let balanced = outcomes.balanced_accuracy.expect("there are classes");
    assert!(balanced.main.is_some_and(|of| (of.value - 0.5).abs() < 1e-9), "{balanced:?}");
    let [no, yes] = &outcomes.classes[..] else { panic!("two classes") };
    assert_eq!((no.name.as_str(), no.rows, yes.name.as_str()), ("no", 1, "yes"));
    assert!(no.main.precision.is_none() && no.challenger.precision.is_some(), "{no:?}");
    let wrong = |class: &str, predicted: &str, main, challenger| Confusion {
        class: class.to_owned(),
        predicted: predicted.to_owned(),
        main,
        challenger,
    };
    assert_eq!(outcomes.confusion, [wrong("no", "yes", 1, 0), wrong("yes", "no", 0, 1)]);
}

#[test]
fn numbers_that_are_as_they_were_are_not_written_again() {
    let both = [identity("1.2.0"), identity("1.3.0")];
    let before = next(None, Some(pair(&both)), Some(&counted()), at(60));
    assert_eq!(next(before.as_ref(), Some(pair(&both)), Some(&counted()), at(90)), before);
    let mut more = counted();
    more.comparison.as_mut().expect("a comparison").pair(1);
    let after = next(before.as_ref(), Some(pair(&both)), Some(&more), at(90)).expect("a comparison");
    assert_eq!((after.at.0, after.pairs), (at(90), 101));
}

#[test]
fn between_two_rounds_of_questions_the_comparison_stays() {
    let both = [identity("1.2.0"), identity("1.3.0")];
    let before = next(None, Some(pair(&both)), Some(&counted()), at(60));
    assert_eq!(next(before.as_ref(), Some(pair(&both)), None, at(70)), before);
}

#[test]
fn another_challenger_starts_from_zero_and_without_one_nothing_is_compared() {
    let both = [identity("1.2.0"), identity("1.3.0")];
    let before = next(None, Some(pair(&both)), Some(&counted()), at(60));
    let others = [identity("1.2.0"), identity("1.4.0")];
    assert_eq!(next(before.as_ref(), Some(pair(&others)), None, at(70)), None);
    assert_eq!(next(before.as_ref(), Some(pair(&others)), Some(&counted()), at(70)), None);
    assert_eq!(next(before.as_ref(), None, Some(&counted()), at(70)), None);
}

#[test]
fn numbers_have_six_digits_and_what_is_not_a_number_is_left_out() {
    assert_eq!(rounded(0.123_456_789), Some(0.123_457));
    assert_eq!(rounded(1.234_567_89e-9), Some(1.234_57e-9));
    assert_eq!(rounded(0.0), Some(0.0));
    assert_eq!(rounded(f64::NAN), None);
    assert_eq!(rounded(f64::INFINITY), None);
}

#[test]
fn names_that_are_too_long_for_the_kind_do_not_block_the_status() {
    let long = "x".repeat(300);
    let twice = [long.clone(), long, "label".to_owned(), "label".to_owned()];
    let outputs = twice.into_iter().map(|name| (name, stats::OutputKind::Label));
    let mut summary = stats::Summary::new(identity("1.2.0"));
    summary.comparison = Some(stats::Comparison::new(identity("1.2.0"), identity("1.3.0"), 7, outputs));
    let both = [identity("1.2.0"), identity("1.3.0")];
    let found = next(None, Some(pair(&both)), Some(&summary), at(60)).expect("a comparison");
    let names: Vec<_> = found.outputs.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, [format!("{}…", "x".repeat(255)).as_str(), "label"]);
}
