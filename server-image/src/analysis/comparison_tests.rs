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
    let port = |name: &str, datatype| Port { name: name.to_owned(), datatype, shape: vec![-1] };
    let ports = [port("label", Datatype::Int64), port("score", Datatype::Fp32)];
    let mut comparison = begin(&identity("1.3.0"), &identity("1.4.0"), 0, &ports);
    for (main, challenger) in calls {
        let call = Call {
            id: String::new(),
            at: SystemTime::UNIX_EPOCH,
            record: false,
            main,
            inputs: Vec::new(),
            rows: 1,
            challenger,
        };
        count(&mut comparison, &call);
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
    assert_eq!((found.pairs(), found.agreed(0), found.compared(0)), (1, 2, 3));
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
