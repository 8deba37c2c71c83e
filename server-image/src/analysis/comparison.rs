//! Brings a call that was copied into the comparison of main and challenger.

use understudy_stats::{Comparison, Identity, OutputKind, Role};

use crate::{
    call::{Call, Shadow},
    signature::Port,
    tensor::{Data, Datatype, Tensor},
};

/// How outputs of a datatype are compared: what is a measure by its distance, what names something by being the same.
fn kind(datatype: Datatype) -> OutputKind {
    match datatype {
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64 => OutputKind::Number,
        _ => OutputKind::Label,
    }
}

/// A comparison of two that begins at `now`, in seconds since 1970.
pub fn begin(main: &Identity, challenger: &Identity, now: u64, outputs: &[Port]) -> Comparison {
    let outputs = outputs.iter().map(|port| (port.name.clone(), kind(port.datatype)));
    Comparison::new(main.clone(), challenger.clone(), now, outputs)
}

/// Counts a call. One that the challenger was spared is none; nor is one whose copy failed before the challenger has
/// answered any: a node learns the way to a new challenger some time after this pod has heard of it.
pub fn count(comparison: &mut Comparison, call: &Call) {
    let has_answered = comparison.calls(Role::Challenger) > 0;
    let challenger = match &call.challenger {
        Shadow::None => return,
        Shadow::Dropped(dropped) if !(has_answered && dropped.is_failure()) => return,
        Shadow::Dropped(_) => None,
        Shadow::Answered { answered, .. } => Some(answered),
    };
    comparison.call(Role::Main, is_error(call.main.status), call.main.latency);
    let failed = challenger.is_none_or(|answered| is_error(answered.status));
    comparison.call(Role::Challenger, failed, challenger.and_then(|answered| answered.latency));
    let Some(challenger) =
        challenger.filter(|answered| answered.is_prediction() && call.main.is_prediction())
    else {
        return;
    };
    comparison.pair();
    for (index, (main, challenger)) in call.main.outputs.iter().zip(&challenger.outputs).enumerate() {
        output(comparison, index, main, challenger);
    }
}

/// A request that was wrong is no fault of who says so.
fn is_error(status: u16) -> bool {
    status >= 500 || status == 429
}

fn output(comparison: &mut Comparison, index: usize, main: &Tensor, challenger: &Tensor) {
    match (&main.data, &challenger.data) {
        (Data::Fp32(main), Data::Fp32(challenger)) => {
            numbers(comparison, index, main, challenger, |value| f64::from(*value));
        }
        (Data::Fp64(main), Data::Fp64(challenger)) => {
            numbers(comparison, index, main, challenger, |value| *value);
        }
        (Data::Fp16(main), Data::Fp16(challenger)) => {
            numbers(comparison, index, main, challenger, |value| value.to_f64());
        }
        (Data::Bf16(main), Data::Bf16(challenger)) => {
            numbers(comparison, index, main, challenger, |value| value.to_f64());
        }
        (ours, theirs) => {
            let compared = ours.len().max(theirs.len());
            comparison.labels(index, agreed(ours, theirs), compared as u64);
        }
    }
}

fn numbers<T>(
    comparison: &mut Comparison,
    index: usize,
    main: &[T],
    challenger: &[T],
    number: impl Fn(&T) -> f64,
) {
    // Answers of different lengths are no pairs of numbers.
    if main.len() == challenger.len() {
        for (ours, theirs) in main.iter().zip(challenger) {
            comparison.numbers(index, number(ours), number(theirs));
        }
    }
}

fn agreed(main: &Data, challenger: &Data) -> u64 {
    macro_rules! same {
        ($($variant:ident),*) => {
            match (main, challenger) {
                $((Data::$variant(ours), Data::$variant(theirs)) => {
                    ours.iter().zip(theirs).filter(|(ours, theirs)| ours == theirs).count()
                })*
                _ => 0,
            }
        };
    }
    let count = same!(Bool, Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Bytes);
    count as u64
}

/// Whether values of `datatype` name something rather than measuring it.
pub fn is_label(datatype: Datatype) -> bool {
    kind(datatype) == OutputKind::Label
}

#[cfg(test)]
mod tests {
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
    fn labels_agree_or_not_and_numbers_have_a_distance() {
        let main = answered(200, &[1, 0, 1], &[0.5, 0.25, 0.75]);
        let found = compared([(main, by(answered(200, &[1, 1, 1], &[0.5, 0.5, 0.5])))]);
        assert_eq!((found.pairs(), found.agreed(0), found.compared(0)), (1, 2, 3));
        let distance = found.mean_absolute_difference(1).unwrap().value;
        assert!((distance - 0.5 / 3.0).abs() < 1e-12, "{distance}");
    }

    #[test]
    fn an_error_of_either_is_counted_and_is_no_pair() {
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
    fn a_request_that_was_wrong_is_nobodys_error() {
        let found = compared([(answered(400, &[], &[]), by(answered(400, &[], &[])))]);
        assert_eq!((found.errors(Role::Main), found.errors(Role::Challenger)), (0, 0));
    }

    #[test]
    fn before_its_first_answer_nothing_is_held_against_the_challenger() {
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
    fn what_the_challenger_was_spared_is_not_held_against_it() {
        let spared = [Dropped::NotSampled, Dropped::QueueFull, Dropped::CircuitOpen, Dropped::Stopping];
        let calls = spared.map(|dropped| (answered(200, &[1], &[0.5]), Shadow::Dropped(dropped)));
        assert_eq!(compared(calls).calls(Role::Challenger), 0);
    }

    #[test]
    fn answers_of_different_lengths_disagree_where_one_has_nothing() {
        let main = answered(200, &[1, 0], &[0.5, 0.25]);
        let found = compared([(main, by(answered(200, &[1], &[0.5])))]);
        assert_eq!((found.agreed(0), found.compared(0)), (1, 2));
        assert_eq!(found.compared(1), 0);
    }
}
