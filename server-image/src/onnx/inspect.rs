//! Reads the messages of the file: the graph, its nodes and attributes, and the functions.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufReader, Read, Seek},
    path::Path,
};

use understudy_contract::{Failure, Reason};

use super::{
    error::InspectError,
    functions::{Functions, OperatorName},
    limits::{NESTING, NODES},
    ports::Ports,
    tensors,
    wire::{Value, WireReader},
};

/// What the inspection learns about the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Version of the default operator set. `None` if the model uses other ones only, for example `ai.onnx.ml`.
    pub opset: Option<u64>,
    /// Whether a node runs a graph as often as a value says (Loop, Scan).
    pub has_loops: bool,
    /// Names of the inputs and outputs that have no shape in the file.
    pub without_shape: HashSet<String>,
}

/// Checks the file at `path`. The failure has the reason `InvalidModel` and says what the server rejects.
pub fn inspect(path: &Path) -> Result<Facts, Failure> {
    let open = || {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok::<_, std::io::Error>(WireReader::new(BufReader::new(file), bytes))
    };
    let facts = open().map_err(InspectError::from).and_then(|wire| Inspection::of(wire).model());
    facts.map_err(|error| Failure::new(Reason::InvalidModel, error))
}

struct Inspection<R> {
    wire: WireReader<R>,
    functions: Functions,
    has_loops: bool,
    /// Elements of all sparse tensors as dense ones.
    dense: u64,
    ports: Ports,
}

impl<R: Read + Seek> Inspection<R> {
    fn of(wire: WireReader<R>) -> Self {
        Self { wire, functions: Functions::default(), has_loops: false, dense: 0, ports: Ports::default() }
    }

    /// `ModelProto`.
    fn model(mut self) -> Result<Facts, InspectError> {
        let (mut opset, mut ir_version, mut graphs, mut imports) = (None, 0, 0_u32, 0_u32);
        let end = self.wire.end();
        while let Some((field, value)) = self.wire.next(end)? {
            match (field, value) {
                (1, Value::Varint(version)) => ir_version = version,
                (7, Value::Until(end)) => {
                    graphs += 1;
                    self.graph(end, 0)?;
                }
                (8, Value::Until(end)) => {
                    imports += 1;
                    opset = self.opset(end)?.or(opset);
                }
                (25, Value::Until(end)) => self.function(end)?,
                (_, value) => self.wire.skip(value)?,
            }
        }
        match graphs {
            1 if ir_version > 0 => {}
            0 | 1 => return Err(InspectError::NotOnnx("it has no graph or no format version")),
            _ => return Err(InspectError::NotOnnx("it has more than one graph")),
        }
        self.functions.check(NODES)?;
        if imports == 0 {
            return Err(InspectError::NotOnnx("it does not name the versions of its operators"));
        }
        Ok(Facts { opset, has_loops: self.has_loops, without_shape: self.ports.without_shape() })
    }

    /// `OperatorSetIdProto`: its version, if it belongs to the default domain.
    fn opset(&mut self, end: u64) -> Result<Option<u64>, InspectError> {
        let (mut domain, mut version) = (String::new(), None);
        while let Some((field, value)) = self.wire.next(end)? {
            match (field, value) {
                (1, Value::Until(end)) => domain = self.wire.text(end)?,
                (2, Value::Varint(found)) => version = Some(found),
                (_, value) => self.wire.skip(value)?,
            }
        }
        Ok(version.filter(|_| is_default(&domain)))
    }

    /// `GraphProto`.
    fn graph(&mut self, end: u64, depth: u32) -> Result<(), InspectError> {
        if depth > NESTING {
            return Err(InspectError::TooNested);
        }
        while let Some((field, value)) = self.wire.next(end)? {
            match (field, value) {
                (1, Value::Until(end)) => self.node(end, depth)?,
                (5, Value::Until(end)) => tensors::tensor(&mut self.wire, end)?,
                // Those of nested graphs are not inputs and outputs of the model.
                (11 | 12, Value::Until(end)) if depth == 0 => self.ports.read(&mut self.wire, end)?,
                (15, Value::Until(end)) => tensors::sparse(&mut self.wire, end, &mut self.dense)?,
                (_, value) => self.wire.skip(value)?,
            }
        }
        Ok(())
    }

    /// `NodeProto`.
    fn node(&mut self, end: u64, depth: u32) -> Result<(), InspectError> {
        let mut operator = OperatorName::default();
        while let Some((field, value)) = self.wire.next(end)? {
            match (field, value) {
                (4, Value::Until(end)) => operator.name = self.wire.text(end)?,
                (5, Value::Until(end)) => self.attribute(end, depth)?,
                (7, Value::Until(end)) => operator.domain = self.wire.text(end)?,
                (8, Value::Until(end)) => operator.overload = self.wire.text(end)?,
                (_, value) => self.wire.skip(value)?,
            }
        }
        self.has_loops |= is_default(&operator.domain) && matches!(operator.name.as_str(), "Loop" | "Scan");
        self.functions.node(operator, NODES)
    }

    /// `AttributeProto`.
    fn attribute(&mut self, end: u64, depth: u32) -> Result<(), InspectError> {
        let mut parts = tensors::Once::default();
        while let Some((field, value)) = self.wire.next(end)? {
            if let (5 | 6 | 22, Value::Until(_)) = (field, value) {
                parts.add(field, "attribute")?;
            }
            match (field, value) {
                (5 | 10, Value::Until(end)) => tensors::tensor(&mut self.wire, end)?,
                (6 | 11, Value::Until(end)) => self.graph(end, depth + 1)?,
                (22 | 23, Value::Until(end)) => tensors::sparse(&mut self.wire, end, &mut self.dense)?,
                (_, value) => self.wire.skip(value)?,
            }
        }
        Ok(())
    }

    /// `FunctionProto`.
    fn function(&mut self, end: u64) -> Result<(), InspectError> {
        let mut operator = OperatorName::default();
        self.functions.enter();
        while let Some((field, value)) = self.wire.next(end)? {
            match (field, value) {
                (1, Value::Until(end)) => operator.name = self.wire.text(end)?,
                (7, Value::Until(end)) => self.node(end, 0)?,
                (10, Value::Until(end)) => operator.domain = self.wire.text(end)?,
                (11, Value::Until(end)) => self.attribute(end, 0)?,
                (13, Value::Until(end)) => operator.overload = self.wire.text(end)?,
                (_, value) => self.wire.skip(value)?,
            }
        }
        self.functions.leave(operator)
    }
}

/// Whether these are the operators of ONNX itself.
fn is_default(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}
