//! Inputs and outputs of the graph: which tensors have no shape. ONNX Runtime reports those as scalars.

use std::{
    collections::HashSet,
    io::{Read, Seek},
};

use super::{
    error::InspectError,
    limits::PORTS,
    wire::{Value, WireReader},
};

/// The names of the inputs and outputs without a shape.
#[derive(Debug, Default)]
pub(super) struct Ports {
    seen: usize,
    without_shape: HashSet<String>,
}

impl Ports {
    /// `ValueInfoProto`.
    pub(super) fn read<R: Read + Seek>(
        &mut self,
        wire: &mut WireReader<R>,
        end: u64,
    ) -> Result<(), InspectError> {
        self.seen += 1;
        if self.seen > PORTS {
            return Err(InspectError::TooManyPorts);
        }
        let (mut name, mut has_shape) = (String::new(), false);
        while let Some((field, value)) = wire.next(end)? {
            match (field, value) {
                (1, Value::Until(end)) => name = wire.text(end)?,
                (2, Value::Until(end)) => has_shape |= type_has_shape(wire, end)?,
                (_, value) => wire.skip(value)?,
            }
        }
        if !has_shape {
            self.without_shape.insert(name);
        }
        Ok(())
    }

    /// The names of all of them.
    pub(super) fn without_shape(self) -> HashSet<String> {
        self.without_shape
    }
}

/// `TypeProto`: whether it is a tensor with a shape, or such a tensor that is optional.
fn type_has_shape<R: Read + Seek>(wire: &mut WireReader<R>, end: u64) -> Result<bool, InspectError> {
    let mut has_shape = false;
    while let Some((field, value)) = wire.next(end)? {
        match (field, value) {
            (1, Value::Until(end)) => has_shape |= tensor_has_shape(wire, end)?,
            (9, Value::Until(end)) => has_shape |= optional_has_shape(wire, end)?,
            (_, value) => wire.skip(value)?,
        }
    }
    Ok(has_shape)
}

/// `TypeProto.Tensor`.
fn tensor_has_shape<R: Read + Seek>(wire: &mut WireReader<R>, end: u64) -> Result<bool, InspectError> {
    let mut has_shape = false;
    while let Some((field, value)) = wire.next(end)? {
        has_shape |= field == 2;
        wire.skip(value)?;
    }
    Ok(has_shape)
}

/// `TypeProto.Optional`. An optional of an optional is not served, so its shape does not matter.
fn optional_has_shape<R: Read + Seek>(wire: &mut WireReader<R>, end: u64) -> Result<bool, InspectError> {
    let mut has_shape = false;
    while let Some((field, value)) = wire.next(end)? {
        let (1, Value::Until(end)) = (field, value) else {
            wire.skip(value)?;
            continue;
        };
        while let Some((field, value)) = wire.next(end)? {
            match (field, value) {
                (1, Value::Until(end)) => has_shape |= tensor_has_shape(wire, end)?,
                (_, value) => wire.skip(value)?,
            }
        }
    }
    Ok(has_shape)
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor};

    use super::*;

    /// A field that is a message or a text.
    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    }

    /// The type of a tensor of FP32, with this shape.
    fn tensor(shape: &[u8]) -> Vec<u8> {
        field(1, &[&[0x08, 1], shape].concat())
    }

    fn port(name: &str, of_type: &[u8]) -> Vec<u8> {
        [field(1, name.as_bytes()), field(2, of_type)].concat()
    }

    fn read(ports: &mut Ports, message: &[u8]) -> Result<(), InspectError> {
        let end = message.len() as u64;
        ports.read(&mut WireReader::new(BufReader::new(Cursor::new(message)), end), end)
    }

    #[test]
    fn a_scalar_has_a_shape_and_a_tensor_without_one_does_not() {
        let (scalar, vector) = (field(2, &[]), field(2, &field(1, &[0x08, 3])));
        let optional = |of_type: &[u8]| field(9, &field(1, of_type));
        let mut ports = Ports::default();
        for (name, of_type) in [
            ("scalar", tensor(&scalar)),
            ("vector", tensor(&vector)),
            ("any", tensor(&[])),
            ("optional scalar", optional(&tensor(&scalar))),
            ("optional any", optional(&tensor(&[]))),
        ] {
            read(&mut ports, &port(name, &of_type)).unwrap();
        }
        let mut names: Vec<_> = ports.without_shape().into_iter().collect();
        names.sort();
        assert_eq!(names, ["any", "optional any"]);
    }

    #[test]
    fn a_list_of_ports_that_would_fill_the_memory_is_rejected() {
        let mut ports = Ports { seen: PORTS, ..Ports::default() };
        assert!(matches!(read(&mut ports, &port("x", &tensor(&[]))), Err(InspectError::TooManyPorts)));
    }

    #[test]
    fn a_type_that_ends_in_the_middle_is_an_error() {
        let mut ports = Ports::default();
        assert!(read(&mut ports, &[0x12, 3, 0x0a, 9, 0]).is_err());
    }
}
