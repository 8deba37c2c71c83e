//! Counts copied calls in the comparison of main and challenger.

use understudy_stats::{Comparison, Identity, OutputKind, Role};

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

/// Counts a call, unless it was not copied.
///
/// A copy that failed before the challenger's first answer is not counted either: nodes learn the route to a new
/// challenger some time after this pod.
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

/// A bad request is not an error of the version that rejects it.
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
    // Outputs of different lengths have no pairs of numbers.
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

/// Whether outputs of `datatype` are labels: strings, integers and booleans.
#[must_use]
pub fn is_label(datatype: Datatype) -> bool {
    kind(datatype) == OutputKind::Label
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
