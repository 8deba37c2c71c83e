//! Tensors in the file: their data must be in the same file, and its size must match the shape.

use std::io::{Read, Seek};

use super::{
    error::InspectError,
    limits::DENSE,
    wire::{Value, WireReader},
};

/// Bits of an element by `TensorProto.DataType`. `None` if an element has no fixed size (strings).
fn bits(data_type: u64) -> Option<u64> {
    Some(match data_type {
        25 | 26 => 2,
        21..=23 => 4,
        2 | 3 | 9 | 17..=20 | 24 => 8,
        4 | 5 | 10 | 16 => 16,
        1 | 6 | 12 => 32,
        7 | 11 | 13 | 14 => 64,
        15 => 128,
        _ => return None,
    })
}

/// `TensorProto`.
pub(super) fn tensor<R: Read + Seek>(wire: &mut WireReader<R>, end: u64) -> Result<(), InspectError> {
    let (mut name, mut data_type, mut external) = (String::new(), 0, false);
    let (mut elements, mut raw, mut typed) = (Some(1_u64), None, 0_u64);
    while let Some((field, value)) = wire.next(end)? {
        let start = wire.at();
        match (field, value) {
            (1, Value::Varint(dimension)) => elements = times(elements, dimension),
            (1, Value::Until(end)) => {
                while wire.at() < end {
                    let dimension = wire.varint(end)?;
                    elements = times(elements, dimension);
                }
            }
            (2, Value::Varint(found)) => data_type = found,
            (8, Value::Until(end)) => name = wire.text(end)?,
            (9, Value::Until(until)) => {
                raw = Some(until - start);
                wire.skip(value)?;
            }
            // One element of an unpacked list.
            (4..=7 | 10 | 11, Value::Varint(_)) => typed += 1,
            (4..=7 | 10 | 11, Value::Fixed(bytes)) => typed += bytes,
            (4..=7 | 10 | 11, Value::Until(until)) => {
                // An empty string is an element as well.
                typed += if field == 6 { (until - start).max(1) } else { until - start };
                wire.skip(value)?;
            }
            (13, value) => {
                external = true;
                wire.skip(value)?;
            }
            (14, Value::Varint(location)) => external |= location != 0,
            (_, value) => wire.skip(value)?,
        }
    }
    if external {
        return Err(InspectError::ExternalData(name));
    }
    let declared =
        elements.map_or_else(|| "more elements than possible".to_owned(), |n| format!("{n} elements"));
    let fits = match (elements, raw) {
        // An attribute that is set to an empty message.
        (Some(elements), None) if data_type == 0 && typed == 0 => elements <= 1,
        (None, _) => false,
        (Some(elements), Some(bytes)) => bits(data_type)
            .is_some_and(|bits| elements.checked_mul(bits).is_some_and(|all| all.div_ceil(8) == bytes)),
        // The smallest elements have four to a byte.
        (Some(elements), None) => elements <= typed.saturating_mul(4),
    };
    if fits { Ok(()) } else { Err(InspectError::WrongSize { name, declared, carried: raw.unwrap_or(typed) }) }
}

/// `SparseTensorProto`: the tensors of values and indices, and the dense shape. Adds its elements to `dense`, those of all
/// sparse tensors of the file.
pub(super) fn sparse<R: Read + Seek>(
    wire: &mut WireReader<R>,
    end: u64,
    dense: &mut u64,
) -> Result<(), InspectError> {
    let (mut elements, mut parts) = (Some(1), Once::default());
    while let Some((field, value)) = wire.next(end)? {
        match (field, value) {
            (1 | 2, Value::Until(end)) => {
                parts.add(field, "sparse tensor")?;
                tensor(wire, end)?;
            }
            (3, Value::Varint(dimension)) => elements = times(elements, dimension),
            (3, Value::Until(end)) => {
                while wire.at() < end {
                    let dimension = wire.varint(end)?;
                    elements = times(elements, dimension);
                }
            }
            (_, value) => wire.skip(value)?,
        }
    }
    *dense = dense.saturating_add(elements.unwrap_or(u64::MAX));
    if *dense <= DENSE {
        return Ok(());
    }
    Err(InspectError::WrongSize {
        name: "sparse initializer".to_owned(),
        declared: format!("more than {DENSE} elements, together with those before it,"),
        carried: end,
    })
}

/// The parts of a message that it may have once. Readers of protobuf merge a part that is there twice: each of two tensors can
/// have the right size, and both together a wrong one.
#[derive(Debug, Default)]
pub(super) struct Once(u64);

impl Once {
    /// Adds the part with this field number, which is below 64.
    pub(super) fn add(&mut self, field: u32, message: &'static str) -> Result<(), InspectError> {
        let bit = 1 << field;
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        if is_new { Ok(()) } else { Err(InspectError::PartTwice(message)) }
    }
}

/// The product of the dimensions. `None` once a dimension is negative or the product is too large.
fn times(elements: Option<u64>, dimension: u64) -> Option<u64> {
    let dimension = i64::try_from(dimension).ok()?;
    elements?.checked_mul(dimension.unsigned_abs())
}
