//! What a model takes and gives: names, datatypes and shapes, as metadata and as the check of every request.

use ort::{
    session::Session,
    value::{Outlet, ValueType},
};
use serde::Serialize;

use crate::tensor::{Data, Datatype, Tensor, elements};

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// The tensor's name in the model.
    pub name: String,
    /// Its datatype.
    pub datatype: Datatype,
    /// Its shape; -1 is a dimension that may vary.
    pub shape: Vec<i64>,
}

impl Port {
    /// Whether a tensor of `shape` may be given here.
    #[must_use]
    pub fn accepts(&self, shape: &[i64]) -> bool {
        shape.len() == self.shape.len()
            && self.shape.iter().zip(shape).all(|(mine, theirs)| *mine == -1 || mine == theirs)
    }
}

/// The inputs and outputs of a model, in its own order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signature {
    /// What every request must give.
    pub inputs: Vec<Port>,
    /// What an answer can hold.
    pub outputs: Vec<Port>,
}

impl Signature {
    /// Reads the signature of a loaded model.
    ///
    /// Fails with a sentence that names the first input or output which is no tensor of a datatype of the protocol.
    pub fn of(session: &Session) -> Result<Self, String> {
        let ports = |kind: &str, outlets: &[Outlet]| {
            outlets.iter().map(|outlet| port(kind, outlet)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { inputs: ports("input", session.inputs())?, outputs: ports("output", session.outputs())? })
    }

    /// The position of the input of that name.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|port| port.name == name)
    }

    /// The position of the output of that name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|port| port.name == name)
    }

    /// The names of the outputs, for a message.
    #[must_use]
    pub fn names(ports: &[Port]) -> String {
        let names: Vec<_> = ports.iter().map(|port| format!("`{}`", port.name)).collect();
        names.join(", ")
    }

    /// One synthetic tensor for each input, with every variable dimension 1.
    ///
    /// Fails where the fixed dimensions alone hold more than `limit` elements: no request could carry such a tensor.
    pub fn synthetic(&self, one: bool, limit: usize) -> Result<Vec<Tensor>, String> {
        self.inputs
            .iter()
            .map(|port| {
                let shape: Vec<i64> = port
                    .shape
                    .iter()
                    .map(|dimension| if *dimension == -1 { 1 } else { *dimension })
                    .collect();
                match elements(&shape) {
                    Some(count) if count <= limit => {
                        Ok(Tensor { shape, data: Data::uniform(port.datatype, count, one) })
                    }
                    _ => Err(format!(
                        "input `{}` has the shape {}: more than the {limit} elements that a request may hold",
                        port.name,
                        crate::tensor::ShapeText(&port.shape)
                    )),
                }
            })
            .collect()
    }
}

fn port(kind: &str, outlet: &Outlet) -> Result<Port, String> {
    let name = outlet.name().to_owned();
    let ValueType::Tensor { ty, shape, .. } = outlet.dtype() else {
        return Err(format!(
            "{kind} `{name}` is no tensor but {}; export the model with tensors only (scikit-learn: zipmap off)",
            outlet.dtype()
        ));
    };
    let datatype = Datatype::from_onnx(*ty)
        .ok_or_else(|| format!("{kind} `{name}` has the datatype {ty}, which the protocol cannot carry"))?;
    Ok(Port { name, datatype, shape: shape.iter().copied().collect() })
}
