use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use understudy_stats::Role;

use super::*;
use crate::{
    call::Answered,
    signature::{Classes, Port, Signature},
};

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
    compared_as(vec![port("label", Datatype::Int64), port("score", Datatype::Fp32)], calls)
}

/// The comparison of calls of a model with these outputs.
fn compared_as(outputs: Vec<Port>, calls: impl IntoIterator<Item = (Answered, Shadow)>) -> Comparison {
    let columns = Columns::of(&Signature { inputs: Vec::new(), outputs }, None);
    let things = super::compared(&columns);
    let mut comparison = begin(&identity("1.3.0"), &identity("1.4.0"), 0, &things);
    for (main, challenger) in calls {
        let rows = main.outputs.first().and_then(|output| output.shape.first());
        let main_rows = rows.map_or(1, |rows| u64::try_from(*rows).unwrap());
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
        count(&mut comparison, &things, &call, rows, Duration::from_millis(200));
    }
    comparison
}

fn by(answered: Answered) -> Shadow {
    Shadow::Answered { by: Arc::new(identity("1.4.0")), answered }
}

#[test]
fn labels_are_compared_by_equality_and_numbers_by_distance() {
    let main = answered(200, &[1, 0, 1], &[0.5, 0.25, 0.75]);
    let found = compared(twice((main, by(answered(200, &[1, 1, 1], &[0.5, 0.5, 0.5])))));
    assert_eq!((found.pairs(), found.agreed(0), found.compared(0)), (6, 4, 6));
    let distance = found.mean_absolute_difference(1).unwrap().value;
    assert!((distance - 0.5 / 3.0).abs() < 1e-12, "{distance}");
}

/// Two calls that are alike. The numbers of a single call have no interval.
fn twice(call: (Answered, Shadow)) -> [(Answered, Shadow); 2] {
    [call.clone(), call]
}

fn scores(shape: &[i64], values: &[f32]) -> Answered {
    let outputs = vec![Tensor { shape: shape.to_vec(), data: Data::Fp32(values.to_vec()) }];
    Answered { status: 200, outputs, ..Answered::default() }
}

// Both columns in one sample had a correlation of 0.99985 at a base rate of 1 %, and twice the sample size.
#[test]
fn of_the_scores_of_two_classes_only_the_second_is_compared() {
    let rows = 1_000_u16;
    let of = |positive: fn(u16) -> u16| {
        let values: Vec<f32> = (0..rows)
            .flat_map(|row| {
                let score = f32::from(positive(row)) / 5_000.0;
                [1.0 - score, score]
            })
            .collect();
        scores(&[i64::from(rows), 2], &values)
    };
    let classes = Classes { are_numbers: false, names: vec!["fine".to_owned(), "fraud".to_owned()] };
    let port = Port { classes: Some(classes), ..Port::new("p", Datatype::Fp32, &[-1, 2]) };
    // Two orders that have nothing to do with each other.
    let found = compared_as(vec![port], twice((of(|row| row % 100), by(of(|row| row * 7 / 11 % 97)))));
    let outputs: Vec<_> = found.outputs().collect();
    assert_eq!(outputs, [("p[fraud]", OutputKind::Number)]);
    assert_eq!(found.compared(0), 2 * u64::from(rows));
    let correlation = found.correlation(0).unwrap();
    assert!(correlation.value.abs() < 0.1, "{correlation:?}");
}

#[test]
fn each_of_several_classes_is_compared_by_itself() {
    let port = || Port::new("p", Datatype::Fp32, &[-1, 3]);
    let main = scores(&[2, 3], &[0.1, 0.2, 0.7, 0.3, 0.3, 0.4]);
    let challenger = scores(&[2, 3], &[0.1, 0.3, 0.6, 0.3, 0.4, 0.3]);
    let found = compared_as(vec![port()], twice((main, by(challenger))));
    let distances: Vec<_> =
        (0..3).map(|index| found.mean_absolute_difference(index).unwrap().value).collect();
    for (found, expected) in distances.iter().zip([0.0, 0.1, 0.1]) {
        assert!((found - expected).abs() < 1e-6, "{distances:?}");
    }
}

#[test]
fn an_output_with_many_numbers_in_a_row_is_compared_row_by_row() {
    let port = Port::new("embedding", Datatype::Fp32, &[-1, 64]);
    let main = scores(&[2, 64], &[0.5; 128]);
    let challenger = scores(&[2, 64], &[[0.5; 64], [0.75; 64]].concat());
    let found = compared_as(vec![port], twice((main, by(challenger))));
    assert_eq!((found.outputs().next(), found.compared(0)), (Some(("embedding", OutputKind::Distance)), 4));
    assert!((found.mean_absolute_difference(0).unwrap().value - 0.125).abs() < 1e-9);
    assert_eq!(found.correlation(0), None);
}

#[test]
fn rows_that_cannot_be_compared_are_counted() {
    let port = || Port::new("score", Datatype::Fp32, &[-1]);
    let nan = (scores(&[2], &[0.5, f32::NAN]), by(scores(&[2], &[0.5, 0.5])));
    let shapes = (scores(&[2], &[0.5, 0.5]), by(scores(&[3], &[0.5, 0.5, 0.5])));
    let found = compared_as(vec![port()], [nan, shapes]);
    assert_eq!((found.compared(0), found.left_out(0)), (1, 3));
}

#[test]
fn an_error_of_either_version_is_counted_and_is_not_a_pair() {
    let fine = || answered(200, &[1], &[0.5]);
    let found = compared([(fine(), by(answered(500, &[], &[]))), (answered(429, &[], &[]), by(fine()))]);
    assert_eq!(found.pairs(), 0);
    assert_eq!((found.errors(Role::Main), found.errors(Role::Challenger), found.calls()), (1, 1, 2));
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
fn copies_without_an_answer_before_the_challengers_first_answer_are_not_counted() {
    let fine = || answered(200, &[1], &[0.5]);
    let dropped = |dropped| (fine(), Shadow::Dropped(dropped));
    let begin = || [Dropped::Timeout, Dropped::Unreachable, Dropped::WrongVersion].map(dropped);
    assert_eq!(compared(begin()).copied(), 0);
    let later = [(fine(), by(answered(503, &[], &[]))), dropped(Dropped::Timeout)];
    let found = compared(begin().into_iter().chain(later));
    assert_eq!((found.errors(Role::Challenger), found.calls(), found.copied()), (1, 1, 2));
}

#[test]
fn a_copy_without_an_answer_counts_for_the_availability_and_not_as_an_error() {
    let fine = || answered(200, &[1], &[0.5]);
    let alive = (0..6).map(|_| (fine(), by(fine())));
    let dead = [Dropped::Unreachable, Dropped::Broken, Dropped::Timeout, Dropped::WrongVersion];
    let found = compared(alive.chain(dead.map(|dropped| (fine(), Shadow::Dropped(dropped)))));
    assert_eq!((found.calls(), found.copied()), (6, 10));
    assert_eq!(found.error_rate(Role::Challenger).map(|rate| rate.value), Some(0.0));
}

#[test]
fn calls_that_did_not_reach_the_challenger_for_reasons_of_main_are_not_counted() {
    // Calls that met an open circuit are counted elsewhere.
    let spared =
        [Dropped::NotSampled, Dropped::QueueFull, Dropped::Expired, Dropped::Stopping, Dropped::CircuitOpen];
    let fine = || answered(200, &[1], &[0.5]);
    let calls = spared.map(|dropped| (fine(), Shadow::Dropped(dropped)));
    assert_eq!(compared([(fine(), by(fine()))].into_iter().chain(calls)).copied(), 1);
}

// Otherwise a challenger that does not answer 6 % of the calls in time would be faster than main.
#[test]
fn copies_without_an_answer_in_time_count_in_the_challengers_latency() {
    let fine = || answered(200, &[1], &[0.5]);
    let answers = (0..94).map(|_| (fine(), by(fine())));
    let late = (0..6).map(|_| (fine(), Shadow::Dropped(Dropped::Timeout)));
    let found = compared(answers.chain(late));
    let p99 = found.latency(Role::Challenger, 0.99).unwrap();
    assert!(p99.at_least && p99.value > Duration::from_millis(190), "{p99:?}");
    let main = found.latency(Role::Main, 0.99).unwrap();
    assert!(!main.at_least && main.value < Duration::from_micros(30), "{main:?}");
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
    assert_eq!(found.calls(), 2);
}

/// Protects the figures: a few huge calls must not count differently from the rest.
#[test]
fn the_sample_of_a_huge_call_has_the_same_rows_of_both_versions() {
    let labels: Vec<i64> = (0..50_000).collect();
    let (ours, theirs) = (vec![0.25; 50_000], vec![0.5; 50_000]);
    // The challenger disagrees in every fifth row.
    let other: Vec<i64> = labels.iter().map(|label| if label % 5 == 0 { -1 } else { *label }).collect();
    let found = compared(twice((answered(200, &labels, &ours), by(answered(200, &other, &theirs)))));
    assert_eq!((found.pairs(), found.compared(0), found.compared(1)), (20_000, 20_000, 20_000));
    let agreement = found.agreement(0).unwrap();
    assert!(agreement.low < 0.8 && agreement.high > 0.8, "{agreement:?}");
    let distance = found.mean_absolute_difference(1).unwrap().value;
    assert!((distance - 0.25).abs() < 1e-12, "{distance}");
}
