use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::*;
use crate::call::{Answered, Dropped};

fn identity(version: &str) -> Identity {
    Identity { version: version.to_owned(), digest: "sha256:00".to_owned() }
}

fn answered(status: u16, labels: &[i64], scores: &[f32]) -> Answered {
    let shape = |length: usize| vec![i64::try_from(length).unwrap()];
    let outputs = vec![
        Tensor { shape: shape(labels.len()), data: Data::Int64(labels.to_vec()) },
        Tensor { shape: shape(scores.len()), data: Data::Fp32(scores.to_vec()) },
    ];
    let outputs = if status == 200 { outputs } else { Vec::new() };
    Answered { status, error: None, outputs, latency: Some(Duration::from_micros(20)) }
}

fn compared(calls: impl IntoIterator<Item = (Answered, Shadow)>) -> Comparison {
    let port = |name: &str, datatype| Port::new(name, datatype, &[-1]);
    let ports = [port("label", Datatype::Int64), port("score", Datatype::Fp32)];
    let mut comparison = begin(&identity("1.3.0"), &identity("1.4.0"), 0, &ports);
    for (main, challenger) in calls {
        let main_rows = main.outputs.first().map_or(1, |labels| labels.data.len() as u64);
        let call = Call {
            id: String::new(),
            at: SystemTime::UNIX_EPOCH,
            traceparent: None,
            record: false,
            main,
            inputs: Vec::new(),
            rows: main_rows,
            challenger,
        };
        let rows = CountedRows::of(&call);
        count(&mut comparison, &call, rows);
    }
    comparison
}

fn by(answered: Answered) -> Shadow {
    Shadow::Answered { by: Arc::new(identity("1.4.0")), answered }
}

#[test]
fn labels_are_compared_by_equality_and_numbers_by_distance() {
    let main = answered(200, &[1, 0, 1], &[0.5, 0.25, 0.75]);
    let found = compared([(main, by(answered(200, &[1, 1, 1], &[0.5, 0.5, 0.5])))]);
    assert_eq!((found.pairs(), found.agreed(0), found.compared(0)), (3, 2, 3));
    let distance = found.mean_absolute_difference(1).unwrap().value;
    assert!((distance - 0.5 / 3.0).abs() < 1e-12, "{distance}");
}

#[test]
fn an_error_of_either_version_is_counted_and_is_not_a_pair() {
    let fine = || answered(200, &[1], &[0.5]);
    let found = compared([
        (fine(), by(answered(500, &[], &[]))),
        (answered(429, &[], &[]), by(fine())),
        (fine(), Shadow::Dropped(Dropped::Timeout)),
    ]);
    assert_eq!(found.pairs(), 0);
    assert_eq!((found.errors(Role::Main), found.calls(Role::Main)), (1, 3));
    assert_eq!((found.errors(Role::Challenger), found.calls(Role::Challenger)), (2, 3));
}

#[test]
fn a_bad_request_is_not_an_error_of_either_version() {
    let found = compared([(answered(400, &[], &[]), by(answered(400, &[], &[])))]);
    assert_eq!((found.errors(Role::Main), found.errors(Role::Challenger)), (0, 0));
}

#[test]
fn a_challenger_that_rejects_what_main_answers_has_failed() {
    let found = compared([(answered(200, &[1], &[0.5]), by(answered(400, &[], &[])))]);
    assert_eq!((found.errors(Role::Main), found.errors(Role::Challenger)), (0, 1));
    let found = compared([(answered(400, &[], &[]), by(answered(200, &[1], &[0.5])))]);
    assert_eq!((found.errors(Role::Main), found.errors(Role::Challenger)), (0, 0));
}

#[test]
fn failures_before_the_challengers_first_answer_are_not_counted() {
    let fine = || answered(200, &[1], &[0.5]);
    let dropped = |dropped| (fine(), Shadow::Dropped(dropped));
    let begin = || [Dropped::Timeout, Dropped::Unreachable, Dropped::WrongVersion].map(dropped);
    assert_eq!(compared(begin()).calls(Role::Challenger), 0);
    let later = [(fine(), by(answered(503, &[], &[]))), dropped(Dropped::Timeout)];
    let found = compared(begin().into_iter().chain(later));
    assert_eq!((found.errors(Role::Challenger), found.calls(Role::Challenger)), (2, 2));
    assert_eq!(found.calls(Role::Main), 2);
}

#[test]
fn calls_that_were_not_copied_are_not_counted() {
    let spared = [Dropped::NotSampled, Dropped::QueueFull, Dropped::CircuitOpen, Dropped::Stopping];
    let calls = spared.map(|dropped| (answered(200, &[1], &[0.5]), Shadow::Dropped(dropped)));
    assert_eq!(compared(calls).calls(Role::Challenger), 0);
}

#[test]
fn labels_without_a_counterpart_disagree() {
    let main = answered(200, &[1, 0], &[0.5, 0.25]);
    let found = compared([(main, by(answered(200, &[1], &[0.5])))]);
    assert_eq!((found.agreed(0), found.compared(0)), (1, 2));
    assert_eq!(found.compared(1), 0);
}

#[test]
fn each_row_of_a_call_is_a_pair_and_the_call_is_counted_once_in_errors_and_latency() {
    let main = answered(200, &[1; 100], &[0.5; 100]);
    let challenger = answered(200, &[&[1; 90][..], &[0; 10]].concat(), &[0.75; 100]);
    let one = || answered(200, &[1], &[0.5]);
    let found = compared([(main, by(challenger)), (one(), by(one()))]);
    assert_eq!((found.pairs(), found.agreed(0), found.compared(0), found.compared(1)), (101, 91, 101, 101));
    for role in Role::ALL {
        assert_eq!(found.calls(role), 2);
    }
}

/// Protects the figures: a few huge calls must not count differently from the rest.
#[test]
fn the_sample_of_a_huge_call_has_the_same_rows_of_both_versions() {
    let labels: Vec<i64> = (0..50_000).collect();
    let (ours, theirs) = (vec![0.25; 50_000], vec![0.5; 50_000]);
    // The challenger disagrees in every fifth row.
    let other: Vec<i64> = labels.iter().map(|label| if label % 5 == 0 { -1 } else { *label }).collect();
    let found = compared([(answered(200, &labels, &ours), by(answered(200, &other, &theirs)))]);
    assert_eq!((found.pairs(), found.compared(0), found.compared(1)), (10_000, 10_000, 10_000));
    let agreement = found.agreement(0).unwrap();
    assert!(agreement.low < 0.8 && agreement.high > 0.8, "{agreement:?}");
    let distance = found.mean_absolute_difference(1).unwrap().value;
    assert!((distance - 0.25).abs() < 1e-12, "{distance}");
}
