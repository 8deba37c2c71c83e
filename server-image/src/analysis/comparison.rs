//! Counts copied calls in the comparison of main and challenger.

use std::time::Duration;

use understudy_stats::{Answer, Comparison, Identity, OutputKind};

use super::rows::CountedRows;
use crate::{
    call::{Call, Dropped, Shadow},
    columns::{Column, Columns},
    tensor::{Data, Datatype, Tensor},
};

/// One thing that is compared: an output, or one column of its scores.
#[derive(Debug, Clone)]
pub struct Compared {
    column: Column,
    kind: OutputKind,
}

/// What is compared of a model's outputs, in their order.
///
/// Strings, integers and booleans are labels. Floating-point numbers are compared column by column: a column for each class
/// or, with one number in each row, the output itself. An output with more numbers in a row is compared as a whole, row by
/// row: in one sample with all its numbers, those of different columns would look as if they were correlated.
#[must_use]
pub fn compared(columns: &Columns) -> Vec<Compared> {
    let of_output = |output: &Column| -> Vec<Compared> {
        let compared = |column: &Column, kind| Compared { column: column.clone(), kind };
        if is_label(output.datatype) {
            return vec![compared(output, OutputKind::Label)];
        }
        let scores = columns.scores.iter().filter(|score| score.tensor == output.tensor);
        let scores: Vec<_> = scores.map(|score| compared(score, OutputKind::Number)).collect();
        if !scores.is_empty() {
            return scores;
        }
        let kind = if output.is_one_a_row { OutputKind::Number } else { OutputKind::Distance };
        vec![compared(output, kind)]
    };
    columns.outputs.iter().flat_map(of_output).collect()
}

/// A comparison of main and challenger that begins at `now`, in seconds since 1970.
#[must_use]
pub fn begin(main: &Identity, challenger: &Identity, now: u64, compared: &[Compared]) -> Comparison {
    let outputs = compared.iter().map(|compared| (compared.column.name.clone(), compared.kind));
    Comparison::new(main.clone(), challenger.clone(), now, outputs)
}

/// Counts a call, unless it was not copied. Each of `rows` is a pair, if both answered. `timeout` is the time that the
/// challenger has to answer. Returns whether they are pairs.
///
/// A copy without an answer before the challenger's first answer is not counted either: nodes learn the route to a new
/// challenger some time after this pod. Nor is a call that met an open circuit: most of them do not come here, so they are
/// counted by [`Comparison::unavailable`].
pub fn count(
    comparison: &mut Comparison,
    compared: &[Compared],
    call: &Call,
    rows: CountedRows,
    timeout: Duration,
) -> bool {
    let main = Answer { error: is_error(call.main.status), latency: call.main.latency };
    let challenger = match &call.challenger {
        Shadow::None => return false,
        Shadow::Dropped(dropped) => {
            if comparison.calls() > 0 && dropped.is_failure() {
                comparison.unanswered(main, (*dropped == Dropped::Timeout).then_some(timeout));
            }
            return false;
        }
        Shadow::Answered { answered, .. } => answered,
    };
    let rejects_what_main_answers = call.main.is_prediction() && !challenger.is_prediction();
    let error = is_error(challenger.status) || rejects_what_main_answers;
    comparison.answered(main, Answer { error, latency: challenger.latency });
    if !(challenger.is_prediction() && call.main.is_prediction()) {
        return false;
    }
    comparison.pair(rows.counted());
    for (index, Compared { column, kind }) in compared.iter().enumerate() {
        let outputs = call.main.outputs.get(column.tensor).zip(challenger.outputs.get(column.tensor));
        let Some((main, challenger)) = outputs else { continue };
        if *kind == OutputKind::Label {
            labels(comparison, index, main, challenger, rows);
        } else {
            Pair { column, main, challenger, rows }.count(comparison, index, *kind);
        }
    }
    true
}

/// A bad request is not an error of the version that rejects it, unless main answers it.
fn is_error(status: u16) -> bool {
    status >= 500 || status == 429
}

/// Compares the counted rows of an output of labels. A label without a counterpart disagrees.
fn labels(comparison: &mut Comparison, index: usize, main: &Tensor, challenger: &Tensor, rows: CountedRows) {
    let sampled = main.shape == challenger.shape && rows.are_sampled_in(main);
    macro_rules! compare {
        ($($variant:ident),*) => {
            match (&main.data, &challenger.data) {
                $((Data::$variant(ours), Data::$variant(theirs)) => {
                    for (ours, theirs) in rows.slices(ours, sampled).zip(rows.slices(theirs, sampled)) {
                        let agreed = ours.iter().zip(theirs).filter(|(ours, theirs)| ours == theirs).count();
                        comparison.labels(index, agreed as u64, ours.len().max(theirs.len()) as u64);
                    }
                })*
                // Values of different datatypes are never the same.
                (ours, theirs) => comparison.labels(index, 0, ours.len().max(theirs.len()) as u64),
            }
        };
    }
    compare!(Bool, Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Bytes);
}

/// Two outputs of numbers.
struct Pair<'c> {
    column: &'c Column,
    main: &'c Tensor,
    challenger: &'c Tensor,
    rows: CountedRows,
}

impl Pair<'_> {
    fn count(&self, comparison: &mut Comparison, index: usize, kind: OutputKind) {
        let Self { column, main, challenger, rows } = self;
        if main.shape != challenger.shape || !column.is_in(main) {
            return comparison.leave_out(index, rows.counted());
        }
        match (&main.data, &challenger.data) {
            (Data::Fp32(ours), Data::Fp32(theirs)) => {
                self.numbers(comparison, index, kind, ours, theirs, |value| f64::from(*value));
            }
            (Data::Fp64(ours), Data::Fp64(theirs)) => {
                self.numbers(comparison, index, kind, ours, theirs, |value| *value);
            }
            (Data::Fp16(ours), Data::Fp16(theirs)) => {
                self.numbers(comparison, index, kind, ours, theirs, |value| value.to_f64());
            }
            (Data::Bf16(ours), Data::Bf16(theirs)) => {
                self.numbers(comparison, index, kind, ours, theirs, |value| value.to_f64());
            }
            // A challenger with other datatypes than main's is refused before it gets a call.
            _ => comparison.leave_out(index, rows.counted()),
        }
    }

    fn numbers<T>(
        &self,
        comparison: &mut Comparison,
        index: usize,
        kind: OutputKind,
        ours: &[T],
        theirs: &[T],
        number: impl Fn(&T) -> f64,
    ) {
        let Self { column, main, challenger, rows } = self;
        let sampled = rows.are_sampled_in(main);
        let width = rows.width(main);
        for (ours, theirs) in rows.slices(ours, sampled).zip(rows.slices(theirs, sampled)) {
            if kind == OutputKind::Number {
                let pairs = column.values(main, ours).zip(column.values(challenger, theirs));
                pairs.for_each(|(ours, theirs)| comparison.numbers(index, number(ours), number(theirs)));
                continue;
            }
            for (ours, theirs) in ours.chunks(width).zip(theirs.chunks(width)) {
                let distances =
                    ours.iter().zip(theirs).map(|(ours, theirs)| (number(ours) - number(theirs)).abs());
                #[expect(clippy::cast_precision_loss, reason = "a row has fewer numbers than 2^52")]
                comparison.distance(index, distances.sum::<f64>() / ours.len() as f64);
            }
        }
    }
}

/// Whether outputs of `datatype` are labels: strings, integers and booleans.
#[must_use]
pub fn is_label(datatype: Datatype) -> bool {
    !datatype.is_float()
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
