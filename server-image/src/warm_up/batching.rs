//! Finds out whether requests to a model can be joined into one run, by trying it: each request must get the same outputs as
//! alone, and a row must take less time.

use std::time::{Duration, Instant};

use super::{Dimension, dimensions};
use crate::{
    batch::Batching,
    output::Output,
    session::Trial,
    signature::Signature,
    tensor::{Data, Tensor},
};

/// Requests in a run, as tried.
const REQUESTS: [usize; 5] = [2, 4, 8, 16, 32];
/// Time for all of this. A model that needs longer is bound by computation, and gains nothing.
const PATIENCE: Duration = Duration::from_millis(50);
/// A run of two requests must take less than this share of two runs. Otherwise the model is bound by computation, and nothing
/// else is tried, so that the pod is ready sooner.
const TWO: f64 = 0.95;
/// A row in a run of many must take at most this share of the time of a row alone.
const GAIN: f64 = 0.8;
/// What it costs a request to be joined, in seconds: its elements are copied, and it waits for a task. A row in a run of many
/// must save this, too.
const COST: f64 = 1e-6;
/// Factors of the numbers that are tried, until the outputs show that they depend on them: a classifier may be as certain of
/// some of them as of zeros.
const FACTORS: [f32; 4] = [1.0, -1.0, 1e3, -1e3];
/// Largest difference of numbers, relative to the larger one: another number of rows may sum in another order.
const TOLERANCE: f64 = 1e-5;

/// How requests can be joined, if that is possible and pays. A run of `synthetic` takes `latency`.
pub fn find(
    session: &mut impl Trial,
    signature: &Signature,
    synthetic: &[Tensor],
    latency: Duration,
) -> Option<Batching> {
    // Each of ten rows is run at least once.
    if latency * 10 > PATIENCE || signature.inputs.iter().any(|port| port.any_shape) {
        return None;
    }
    let begin = Instant::now();
    let inputs: Vec<_> = dimensions(session, signature, 1)
        .iter()
        .map(|dimensions| dimensions.iter().position(|dimension| *dimension == Dimension::Rows))
        .collect();
    let mut batching = Batching { inputs, outputs: Vec::new(), rows: 0 };
    let rows = batching.rows_of(synthetic)?;
    let one = synthetic;
    if !is_faster(session, &batching.join(&[one, one]), latency) {
        return None;
    }
    let mut outputs = |inputs: &[Tensor]| session.answer(inputs, signature, Instant::now() + PATIENCE).ok();
    let of_one = outputs(one)?;
    let (other, of_other) = FACTORS.iter().find_map(|factor| {
        let other = varied(one, &batching.inputs, *factor);
        let of_other = outputs(&other)?;
        (!same(&of_one, &of_other)).then_some((other, of_other))
    })?;
    let other = &other[..];
    let of_all = outputs(&batching.join(&[one, other, one]))?;
    for position in 0..signature.outputs.len() {
        let shapes = [&of_one, &of_other, &of_all].map(|outputs| outputs[position].shape());
        batching.outputs.push(axis_of_rows(shapes)?);
    }
    let split = batching.split(&of_all, &[rows; 3])?;
    let alone = [&of_one, &of_other, &of_one];
    if !split.iter().zip(alone).all(|(joined, alone)| same(joined, alone)) {
        return None;
    }
    let mut best = (1, latency.as_secs_f64().mul_add(GAIN, -COST));
    for requests in REQUESTS {
        if begin.elapsed() + latency * u32::try_from(2 * requests).unwrap_or(u32::MAX) > PATIENCE {
            break;
        }
        let joined = batching.join(&vec![other; requests]);
        #[expect(clippy::cast_precision_loss, reason = "at most 32")]
        let each = fastest(session, &joined)?.as_secs_f64() / requests as f64;
        if each < best.1 {
            best = (requests, each);
        }
    }
    (best.0 > 1).then(|| Batching { rows: rows * best.0, ..batching })
}

/// Whether a run of these two requests is faster than two runs.
fn is_faster(session: &mut impl Trial, two: &[Tensor], latency: Duration) -> bool {
    fastest(session, two).is_some_and(|best| best.as_secs_f64() < TWO * 2.0 * latency.as_secs_f64())
}

/// The time of the faster one of two runs: the first one with a new shape is slower. `None` if one fails.
fn fastest(session: &mut impl Trial, inputs: &[Tensor]) -> Option<Duration> {
    let mut time = || {
        let begin = Instant::now();
        session.attempt(inputs, begin + PATIENCE).ok()?;
        Some(begin.elapsed())
    };
    let (first, second) = (time()?, time()?);
    Some(first.min(second))
}

/// The dimension in which `all` has the rows of one request, another one, and the first one again.
fn axis_of_rows([one, other, all]: [&[i64]; 3]) -> Option<usize> {
    let fits = |axis: usize| {
        one.len() == all.len()
            && other.len() == all.len()
            && all.iter().enumerate().all(|(at, extent)| {
                if at == axis {
                    *extent == 2 * one[at] + other[at]
                } else {
                    *extent == one[at] && *extent == other[at]
                }
            })
    };
    (0..all.len()).find(|axis| fits(*axis))
}

/// Other values for the inputs that have rows.
fn varied(inputs: &[Tensor], axes: &[Option<usize>], factor: f32) -> Vec<Tensor> {
    let other = |(tensor, axis): (&Tensor, &Option<usize>)| {
        let mut tensor = tensor.clone();
        if axis.is_some() {
            vary(&mut tensor.data, factor);
        }
        tensor
    };
    inputs.iter().zip(axes).map(other).collect()
}

fn vary(data: &mut Data, factor: f32) {
    macro_rules! toggle {
        ($elements:expr) => {
            $elements.iter_mut().for_each(|element| *element = 1 - (*element).clamp(0, 1))
        };
    }
    // Numbers of both signs, none of them twice in a row.
    let small = |at: usize| factor * f32::from(u8::try_from(at % 7).unwrap_or_default()).mul_add(0.1, -0.25);
    match data {
        Data::Bool(elements) => elements.iter_mut().for_each(|element| *element = !*element),
        Data::Uint8(elements) => toggle!(elements),
        Data::Uint16(elements) => toggle!(elements),
        Data::Uint32(elements) => toggle!(elements),
        Data::Uint64(elements) => toggle!(elements),
        Data::Int8(elements) => toggle!(elements),
        Data::Int16(elements) => toggle!(elements),
        Data::Int32(elements) => toggle!(elements),
        Data::Int64(elements) => toggle!(elements),
        Data::Fp16(elements) => {
            elements
                .iter_mut()
                .enumerate()
                .for_each(|(at, element)| *element = half::f16::from_f32(small(at)));
        }
        Data::Bf16(elements) => {
            elements
                .iter_mut()
                .enumerate()
                .for_each(|(at, element)| *element = half::bf16::from_f32(small(at)));
        }
        Data::Fp32(elements) => {
            elements.iter_mut().enumerate().for_each(|(at, element)| *element = small(at));
        }
        Data::Fp64(elements) => {
            elements.iter_mut().enumerate().for_each(|(at, element)| *element = small(at).into());
        }
        Data::Bytes(elements) => elements.iter_mut().for_each(|element| element.push('1')),
    }
}

/// Whether all outputs are the same, within the tolerance.
fn same(one: &[Output], other: &[Output]) -> bool {
    one.iter().zip(other).all(|(one, other)| {
        one.shape() == other.shape() && {
            let (one, other) = (one.to_tensor().data, other.to_tensor().data);
            match (&one, &other) {
                (Data::Fp32(one), Data::Fp32(other)) => {
                    one.iter().zip(other).all(|(one, other)| close((*one).into(), (*other).into()))
                }
                (Data::Fp64(one), Data::Fp64(other)) => {
                    one.iter().zip(other).all(|(one, other)| close(*one, *other))
                }
                _ => one == other,
            }
        }
    })
}

fn close(one: f64, other: f64) -> bool {
    // Infinity and NaN are the same only to the bit.
    one.to_bits() == other.to_bits()
        || (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()).max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_an_output_are_where_its_extent_grows_with_them() {
        assert_eq!(axis_of_rows([&[1, 2], &[1, 2], &[3, 2]]), Some(0));
        assert_eq!(axis_of_rows([&[2, 1, 128], &[2, 1, 128], &[2, 3, 128]]), Some(1));
        assert_eq!(axis_of_rows([&[5], &[5], &[5]]), None, "one value for all requests");
        assert_eq!(axis_of_rows([&[], &[], &[]]), None);
    }

    #[test]
    fn numbers_may_differ_by_rounding_and_by_nothing_more() {
        assert!(close(0.1, 0.100_000_01));
        assert!(!close(0.1, 0.1001));
        assert!(close(f64::NAN, f64::NAN));
        assert!(!close(f64::NAN, 0.0));
    }
}
