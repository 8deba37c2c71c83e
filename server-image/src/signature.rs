//! The signature of a model: names, datatypes and shapes of its inputs and outputs. Every request is checked against it.

use std::collections::HashSet;

use ort::{
    session::Session,
    value::{Outlet, TensorElementType, ValueType},
};
use serde::Serialize;

use crate::tensor::{Datatype, ShapeText};

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// The tensor's name in the model.
    pub name: String,
    /// Its datatype.
    pub datatype: Datatype,
    /// Its shape. -1 stands for a dimension that may vary.
    pub shape: Vec<i64>,
    /// Whether the model declares no shape: then a tensor of any shape fits, also one of another rank. `shape` is `[-1]`,
    /// the simplest one for callers who know only lists of dimensions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub any_shape: bool,
    /// The classes whose scores it has, one for each column. `None` for any other tensor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Classes>,
}

/// The classes of a classifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Classes {
    /// Whether the model names them by numbers.
    #[serde(skip)]
    pub are_numbers: bool,
    /// Their names, in the order of the columns.
    pub names: Vec<String>,
}

impl Port {
    /// A tensor.
    #[must_use]
    pub fn new(name: &str, datatype: Datatype, shape: &[i64]) -> Self {
        Self { name: name.to_owned(), datatype, shape: shape.to_vec(), any_shape: false, classes: None }
    }

    /// A tensor of any shape.
    #[must_use]
    pub fn of_any_shape(name: &str, datatype: Datatype) -> Self {
        Self { any_shape: true, ..Self::new(name, datatype, &[-1]) }
    }

    /// Whether a tensor of `shape` fits.
    #[must_use]
    pub fn accepts(&self, shape: &[i64]) -> bool {
        let fits = |(mine, theirs): (&i64, &i64)| *mine == -1 || mine == theirs;
        self.any_shape || (shape.len() == self.shape.len() && self.shape.iter().zip(shape).all(fits))
    }

    /// Its shape for a message: `[-1,30]`.
    #[must_use]
    pub fn shape_text(&self) -> String {
        if self.any_shape { "any shape".to_owned() } else { ShapeText(&self.shape).to_string() }
    }
}

/// The inputs and outputs of a model, in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// Every request must have all of them.
    pub inputs: Vec<Port>,
    /// A response has all of them, or those that the request names.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// Reads the signature of a loaded model. `without_shape` are the inputs and outputs that have no shape in the file.
    ///
    /// An output that is a sequence of maps from class to score gets its classes from the warm-up. Fails with a sentence that
    /// names the first other input or output that is not a tensor, or whose datatype the protocol cannot carry.
    pub fn of(session: &Session, without_shape: &HashSet<String>) -> Result<Self, String> {
        let ports = |kind: &str, outlets: &[Outlet]| {
            outlets.iter().map(|outlet| port(kind, outlet, without_shape)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { inputs: ports("input", session.inputs())?, outputs: ports("output", session.outputs())? })
    }

    /// Position of the input `name`.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|port| port.name == name)
    }

    /// Position of the output `name`.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|port| port.name == name)
    }

    /// The names of `ports` for a message: `` `a`, `b` ``.
    #[must_use]
    pub fn names(ports: &[Port]) -> String {
        let names: Vec<_> = ports.iter().map(|port| format!("`{}`", port.name)).collect();
        names.join(", ")
    }
}

/// The classes of an output that is a sequence of maps from class to score, without their names.
fn classes_of(value: &ValueType) -> Option<Classes> {
    let ValueType::Sequence(entry) = value else { return None };
    let classes = |are_numbers| Some(Classes { are_numbers, names: Vec::new() });
    match **entry {
        ValueType::Map { key: TensorElementType::Int64, value: TensorElementType::Float32 } => classes(true),
        ValueType::Map { key: TensorElementType::String, value: TensorElementType::Float32 } => {
            classes(false)
        }
        _ => None,
    }
}

fn port(kind: &str, outlet: &Outlet, without_shape: &HashSet<String>) -> Result<Port, String> {
    let name = outlet.name().to_owned();
    let is_output = kind == "output";
    if let Some(classes) = classes_of(outlet.dtype()).filter(|_| is_output) {
        return Ok(Port { classes: Some(classes), ..Port::new(&name, Datatype::Fp32, &[-1, -1]) });
    }
    let dtype = match outlet.dtype() {
        // A tensor is a value of an optional, too. There is no form for a missing one, so each request has it.
        ValueType::Optional(value) if !is_output => value,
        other => other,
    };
    let ValueType::Tensor { ty, shape, .. } = dtype else {
        return Err(format!(
            "{kind} `{name}` is not a tensor but {}; export the model with tensors",
            outlet.dtype()
        ));
    };
    let datatype = Datatype::from_onnx(*ty)
        .ok_or_else(|| format!("{kind} `{name}` has the datatype {ty}, which the protocol cannot carry"))?;
    // ONNX Runtime reports no dimension for a scalar, and for a tensor without a shape. It may find out the shape of an output.
    if shape.is_empty() && without_shape.contains(&name) {
        return Ok(Port::of_any_shape(&name, datatype));
    }
    Ok(Port::new(&name, datatype, shape))
}
