//! Counts copied calls in the comparison of main and challenger.

use understudy_stats::{Comparison, Identity, OutputKind, Role};

use super::rows::CountedRows;
use crate::{
    call::{Call, Shadow},
    signature::Port,
    tensor::{Data, Datatype, Tensor},
};

/// How outputs of a datatype are compared: floating-point numbers by their distance, everything else as labels, by
/// equality.
fn kind(datatype: Datatype) -> OutputKind {
    match datatype {
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64 => OutputKind::Number,
        _ => OutputKind::Label,
    }
}

/// A comparison of main and challenger that begins at `now`, in seconds since 1970.
#[must_use]
pub fn begin(main: &Identity, challenger: &Identity, now: u64, outputs: &[Port]) -> Comparison {
    let outputs = outputs.iter().map(|port| (port.name.clone(), kind(port.datatype)));
    Comparison::new(main.clone(), challenger.clone(), now, outputs)
}

/// Counts a call, unless it was not copied. Each of `rows` is a pair, if both answered. Returns whether they are pairs.
///
/// A copy that failed before the challenger's first answer is not counted either: nodes learn the route to a new
/// challenger some time after this pod.
pub fn count(comparison: &mut Comparison, call: &Call, rows: CountedRows) -> bool {
    let has_answered = comparison.calls(Role::Challenger) > 0;
    let challenger = match &call.challenger {
        Shadow::None => return false,
        Shadow::Dropped(dropped) if !(has_answered && dropped.is_failure()) => return false,
        Shadow::Dropped(_) => None,
        Shadow::Answered { answered, .. } => Some(answered),
    };
    comparison.call(Role::Main, is_error(call.main.status), call.main.latency);
    let failed = challenger.is_none_or(|answered| {
        let rejects_what_main_answers = call.main.is_prediction() && !answered.is_prediction();
        is_error(answered.status) || rejects_what_main_answers
    });
    comparison.call(Role::Challenger, failed, challenger.and_then(|answered| answered.latency));
    let Some(challenger) =
        challenger.filter(|answered| answered.is_prediction() && call.main.is_prediction())
    else {
        return false;
    };
    comparison.pair(rows.counted());
    for (index, (main, challenger)) in call.main.outputs.iter().zip(&challenger.outputs).enumerate() {
        output(comparison, index, main, challenger, rows);
    }
    true
}

/// A bad request is not an error of the version that rejects it, unless main answers it.
fn is_error(status: u16) -> bool {
    status >= 500 || status == 429
}

/// Compares the counted rows of an output.
fn output(comparison: &mut Comparison, index: usize, main: &Tensor, challenger: &Tensor, rows: CountedRows) {
    let sampled = main.shape == challenger.shape && rows.are_sampled_in(main);
    macro_rules! rows_of {
        ($ours:expr, $theirs:expr) => {
            rows.slices($ours, sampled).zip(rows.slices($theirs, sampled))
        };
    }
    macro_rules! numbers {
        ($ours:expr, $theirs:expr, $number:expr) => {
            for (ours, theirs) in rows_of!($ours, $theirs) {
                numbers(comparison, index, ours, theirs, $number);
            }
        };
    }
    macro_rules! compare {
        ($($variant:ident),*) => {
            match (&main.data, &challenger.data) {
                (Data::Fp32(ours), Data::Fp32(theirs)) => numbers!(ours, theirs, |value| f64::from(*value)),
                (Data::Fp64(ours), Data::Fp64(theirs)) => numbers!(ours, theirs, |value| *value),
                (Data::Fp16(ours), Data::Fp16(theirs)) => numbers!(ours, theirs, |value| value.to_f64()),
                (Data::Bf16(ours), Data::Bf16(theirs)) => numbers!(ours, theirs, |value| value.to_f64()),
                $((Data::$variant(ours), Data::$variant(theirs)) => {
                    for (ours, theirs) in rows_of!(ours, theirs) {
                        labels(comparison, index, ours, theirs);
                    }
                })*
                // Values of different datatypes are never the same.
                (ours, theirs) => comparison.labels(index, 0, ours.len().max(theirs.len()) as u64),
            }
        };
    }
    compare!(Bool, Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Bytes);
}

fn numbers<T>(
    comparison: &mut Comparison,
    index: usize,
    main: &[T],
    challenger: &[T],
    number: impl Fn(&T) -> f64,
) {
    // Outputs of different lengths have no pairs of numbers.
    if main.len() == challenger.len() {
        for (ours, theirs) in main.iter().zip(challenger) {
            comparison.numbers(index, number(ours), number(theirs));
        }
    }
}

/// A label without a counterpart disagrees.
fn labels<T: PartialEq>(comparison: &mut Comparison, index: usize, main: &[T], challenger: &[T]) {
    let agreed = main.iter().zip(challenger).filter(|(ours, theirs)| ours == theirs).count();
    comparison.labels(index, agreed as u64, main.len().max(challenger.len()) as u64);
}

/// Whether outputs of `datatype` are labels: strings, integers and booleans.
#[must_use]
pub fn is_label(datatype: Datatype) -> bool {
    kind(datatype) == OutputKind::Label
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
