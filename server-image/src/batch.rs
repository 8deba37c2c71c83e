//! One run for several requests: their inputs are joined, and its outputs are split.

use crate::{
    output::Output,
    tensor::{Data, Tensor, elements},
    view::View,
};

/// How requests to a model are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batching {
    /// The dimension of the rows in each input. `None` for an input that all requests of a run must share.
    pub inputs: Vec<Option<usize>>,
    /// The dimension of the rows in each output.
    pub outputs: Vec<usize>,
    /// Most rows of a run.
    pub rows: usize,
}

impl Batching {
    /// The rows of a request. `None` if its inputs have different numbers of rows, or none: it cannot be joined.
    #[must_use]
    pub fn rows_of(&self, inputs: &[Tensor]) -> Option<usize> {
        let mut extents = self.extents(inputs);
        let first = extents.next()??;
        (first > 0 && extents.all(|extent| extent == Some(first))).then_some(first)
    }

    fn extents<'t>(&'t self, inputs: &'t [Tensor]) -> impl Iterator<Item = Option<usize>> + 't {
        let axes = self.inputs.iter().zip(inputs);
        axes.filter_map(|(axis, tensor)| axis.map(|axis| usize::try_from(*tensor.shape.get(axis)?).ok()))
    }

    /// Whether two requests differ only in their rows.
    #[must_use]
    pub fn fits(&self, one: &[Tensor], other: &[Tensor]) -> bool {
        self.inputs.iter().zip(one).zip(other).all(|((axis, one), other)| match axis {
            None => one == other,
            Some(axis) => {
                one.shape.len() == other.shape.len()
                    && one
                        .shape
                        .iter()
                        .zip(&other.shape)
                        .enumerate()
                        .all(|(at, (a, b))| at == *axis || a == b)
            }
        })
    }

    /// The inputs of one run for all requests, which fit each other.
    #[must_use]
    pub fn join(&self, requests: &[&[Tensor]]) -> Vec<Tensor> {
        let input = |(at, axis): (usize, &Option<usize>)| {
            let tensors: Vec<&Tensor> = requests.iter().map(|request| &request[at]).collect();
            match axis {
                None => tensors[0].clone(),
                Some(axis) => joined(&tensors, *axis),
            }
        };
        self.inputs.iter().enumerate().map(input).collect()
    }

    /// The outputs of each request, which have so many rows. `None` if an output does not have the rows of all of them.
    #[must_use]
    pub fn split(&self, outputs: &[Output], rows: &[usize]) -> Option<Vec<Vec<Output>>> {
        let all: usize = rows.iter().sum();
        let parts = self.outputs.iter().zip(outputs).map(|(axis, output)| {
            let extent = usize::try_from(*output.shape().get(*axis)?).ok()?;
            // An output may have several rows for each row of the request.
            let each = extent.checked_div(all).filter(|each| each * all == extent)?;
            let mut from = 0;
            rows.iter()
                .map(|rows| {
                    let to = from + rows * each;
                    let part = part(output, *axis, from, to);
                    from = to;
                    Some(part)
                })
                .collect::<Option<Vec<Tensor>>>()
        });
        let mut parts: Vec<_> = parts.map(|parts| Some(parts?.into_iter())).collect::<Option<Vec<_>>>()?;
        let request = |_: &usize| parts.iter_mut().map(|part| part.next().map(Output::from)).collect();
        rows.iter().map(request).collect()
    }
}

/// The dimensions before `axis`, and those from it on, as numbers of elements.
fn around(shape: &[i64], axis: usize) -> (usize, usize) {
    let (before, after) = shape.split_at(axis);
    (elements(before).unwrap_or_default(), elements(after).unwrap_or_default())
}

fn joined<'t>(tensors: &[&'t Tensor], axis: usize) -> Tensor {
    fn interleaved<T: Clone>(parts: &[(&[T], usize)], blocks: usize) -> Vec<T> {
        let mut all = Vec::with_capacity(parts.iter().map(|(elements, _)| elements.len()).sum());
        for block in 0..blocks {
            for (elements, size) in parts {
                all.extend_from_slice(&elements[block * size..(block + 1) * size]);
            }
        }
        all
    }
    let mut shape = tensors[0].shape.clone();
    shape[axis] = tensors.iter().map(|tensor| tensor.shape[axis]).sum();
    let (blocks, _) = around(&shape, axis);
    macro_rules! join {
        ($variant:ident) => {{
            let part = |tensor: &&'t Tensor| match &tensor.data {
                Data::$variant(elements) => (elements.as_slice(), around(&tensor.shape, axis).1),
                _ => unreachable!("an input has one datatype"),
            };
            let parts: Vec<_> = tensors.iter().map(part).collect();
            Data::$variant(interleaved(&parts, blocks))
        }};
    }
    let data = match &tensors[0].data {
        Data::Bool(_) => join!(Bool),
        Data::Uint8(_) => join!(Uint8),
        Data::Uint16(_) => join!(Uint16),
        Data::Uint32(_) => join!(Uint32),
        Data::Uint64(_) => join!(Uint64),
        Data::Int8(_) => join!(Int8),
        Data::Int16(_) => join!(Int16),
        Data::Int32(_) => join!(Int32),
        Data::Int64(_) => join!(Int64),
        Data::Fp16(_) => join!(Fp16),
        Data::Bf16(_) => join!(Bf16),
        Data::Fp32(_) => join!(Fp32),
        Data::Fp64(_) => join!(Fp64),
        Data::Bytes(_) => join!(Bytes),
    };
    Tensor { shape, data }
}

/// The rows from `from` to `to` of an output.
fn part(output: &Output, axis: usize, from: usize, to: usize) -> Tensor {
    let mut shape = output.shape().to_vec();
    let (blocks, block) = around(&shape, axis);
    let extent = usize::try_from(shape[axis]).unwrap_or_default();
    let row = block.checked_div(extent).unwrap_or_default();
    shape[axis] = i64::try_from(to - from).unwrap_or(i64::MAX);
    let cut = Cut { blocks, block, from: from * row, to: to * row };
    let data = match output.view() {
        View::Bool(elements) => Data::Bool(cut.of(elements)),
        View::Uint8(elements) => Data::Uint8(cut.of(elements)),
        View::Uint16(elements) => Data::Uint16(cut.of(elements)),
        View::Uint32(elements) => Data::Uint32(cut.of(elements)),
        View::Uint64(elements) => Data::Uint64(cut.of(elements)),
        View::Int8(elements) => Data::Int8(cut.of(elements)),
        View::Int16(elements) => Data::Int16(cut.of(elements)),
        View::Int32(elements) => Data::Int32(cut.of(elements)),
        View::Int64(elements) => Data::Int64(cut.of(elements)),
        View::Fp16(elements) => Data::Fp16(cut.of(elements)),
        View::Bf16(elements) => Data::Bf16(cut.of(elements)),
        View::Fp32(elements) => Data::Fp32(cut.of(elements)),
        View::Fp64(elements) => Data::Fp64(cut.of(elements)),
        View::Bytes(elements) => Data::Bytes(cut.of(elements)),
    };
    Tensor { shape, data }
}

/// The same part of each block of elements.
struct Cut {
    blocks: usize,
    block: usize,
    from: usize,
    to: usize,
}

impl Cut {
    fn of<T: Clone>(&self, elements: &[T]) -> Vec<T> {
        let Self { blocks, block, from, to } = *self;
        let mut part = Vec::with_capacity(blocks * (to - from));
        for at in 0..blocks {
            part.extend_from_slice(&elements[at * block + from..at * block + to]);
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fp32(shape: &[i64], elements: &[f32]) -> Tensor {
        Tensor { shape: shape.to_vec(), data: Data::Fp32(elements.to_vec()) }
    }

    /// Rows first, rows second, and an input that all requests share.
    fn batching() -> Batching {
        Batching { inputs: vec![Some(0), Some(1), None], outputs: vec![0, 1], rows: 8 }
    }

    fn request(rows: i64, first: &[f32], second: &[f32]) -> Vec<Tensor> {
        vec![fp32(&[rows, 2], first), fp32(&[2, rows], second), fp32(&[], &[16.0])]
    }

    #[test]
    fn what_is_joined_is_split_again() {
        let (one, two) =
            (request(1, &[1.0, 2.0], &[5.0, 6.0]), request(2, &[3.0, 4.0, 5.0, 6.0], &[7.0, 8.0, 9.0, 10.0]));
        let batching = batching();
        assert_eq!((batching.rows_of(&one), batching.rows_of(&two)), (Some(1), Some(2)));
        assert!(batching.fits(&one, &two));
        let joined = batching.join(&[&one, &two]);
        assert_eq!(joined[0], fp32(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        assert_eq!(joined[1], fp32(&[2, 3], &[5.0, 7.0, 8.0, 6.0, 9.0, 10.0]));
        assert_eq!(joined[2], fp32(&[], &[16.0]));
        let outputs: Vec<Output> = joined.into_iter().take(2).map(Output::from).collect();
        let split = batching.split(&outputs, &[1, 2]).unwrap();
        let tensors = |outputs: &[Output]| outputs.iter().map(Output::to_tensor).collect::<Vec<_>>();
        assert_eq!(tensors(&split[0]), one[..2]);
        assert_eq!(tensors(&split[1]), two[..2]);
    }

    #[test]
    fn requests_of_other_shapes_or_with_another_shared_value_do_not_fit() {
        let batching = batching();
        let one = request(1, &[1.0, 2.0], &[5.0, 6.0]);
        let mut longer = one.clone();
        longer[0] = fp32(&[1, 3], &[1.0, 2.0, 3.0]);
        assert!(!batching.fits(&one, &longer));
        let mut other = one.clone();
        other[2] = fp32(&[], &[8.0]);
        assert!(!batching.fits(&one, &other));
        let mut uneven = one;
        uneven[1] = fp32(&[2, 2], &[0.0; 4]);
        assert_eq!(batching.rows_of(&uneven), None);
    }

    #[test]
    fn an_output_without_the_rows_of_all_requests_is_not_split() {
        let outputs = [fp32(&[2, 1], &[0.0; 2]), fp32(&[1, 3], &[0.0; 3])].map(Output::from);
        assert_eq!(batching().split(&outputs, &[1, 2]).map(|split| split.len()), None);
    }
}
