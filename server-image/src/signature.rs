//! The signature of a model: names, datatypes and shapes of its inputs and outputs. Every request is checked against it.

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
    /// Its shape. -1 stands for a dimension that may vary.
    pub shape: Vec<i64>,
}

impl Port {
    /// Whether a tensor of `shape` fits.
    #[must_use]
    pub fn accepts(&self, shape: &[i64]) -> bool {
        shape.len() == self.shape.len()
            && self.shape.iter().zip(shape).all(|(mine, theirs)| *mine == -1 || mine == theirs)
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
    /// Reads the signature of a loaded model.
    ///
    /// Fails with a sentence that names the first input or output that is not a tensor, or whose datatype the protocol
    /// cannot carry.
    pub fn of(session: &Session) -> Result<Self, String> {
        let ports = |kind: &str, outlets: &[Outlet]| {
            outlets.iter().map(|outlet| port(kind, outlet)).collect::<Result<Vec<_>, _>>()
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

    /// One synthetic tensor for each input, of ones or of zeros. Each variable dimension is 1.
    ///
    /// Fails if a tensor would have more than `limit` elements: no request could carry it.
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
                        "input `{}` has the shape {}, which is more than the {limit} elements that a request may have",
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
            "{kind} `{name}` is not a tensor but {}; export the model with tensors only (scikit-learn: zipmap off)",
            outlet.dtype()
        ));
    };
    let datatype = Datatype::from_onnx(*ty)
        .ok_or_else(|| format!("{kind} `{name}` has the datatype {ty}, which the protocol cannot carry"))?;
    Ok(Port { name, datatype, shape: shape.iter().copied().collect() })
}
