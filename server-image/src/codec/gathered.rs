//! What a request says about inputs and outputs, checked against the model's signature. All formats use it, so that the same
//! mistake gets the same message over each of them.

use super::{
    infer_request::{InferRequest, RequestedOutput},
    scan::DEPTH,
};
use crate::{
    error::Refusal,
    signature::{Port, Signature},
    tensor::{Data, Datatype, ShapeText, Tensor, elements as count_of},
};

/// The inputs and outputs that have been read so far.
pub struct Gathered<'s> {
    signature: &'s Signature,
    inputs: Vec<Option<Tensor>>,
    outputs: Vec<RequestedOutput>,
}

impl<'s> Gathered<'s> {
    /// Nothing yet.
    pub fn new(signature: &'s Signature) -> Self {
        let mut inputs = Vec::new();
        inputs.resize_with(signature.inputs.len(), || None);
        Self { signature, inputs, outputs: Vec::new() }
    }

    /// The position of an input in the signature, and the number of elements of its shape.
    pub fn place(&self, name: &str, shape: &[i64], datatype: Datatype) -> Result<(usize, usize), Refusal> {
        let inputs = &self.signature.inputs;
        let position = self.signature.input(name).ok_or_else(|| {
            Refusal::bad(format!("unknown input `{name}`; the model has {}", Signature::names(inputs)))
        })?;
        if self.inputs[position].is_some() {
            return Err(Refusal::bad(format!("input `{name}` appears twice")));
        }
        let port = &inputs[position];
        let wanted = port.datatype;
        if wanted != datatype {
            return Err(Refusal::bad(format!(
                "input `{name}` has the datatype {datatype}, the model expects {wanted}"
            )));
        }
        // JSON cannot nest its data any deeper.
        if shape.len() > DEPTH {
            return Err(Refusal::bad(format!("input `{name}`: a tensor has at most {DEPTH} dimensions")));
        }
        match count_of(shape) {
            Some(count) if port.accepts(shape) => Ok((position, count)),
            _ => Err(Refusal::bad(format!(
                "input `{name}` has the shape {}, the model expects {}",
                ShapeText(shape),
                port.shape_text()
            ))),
        }
    }

    /// Adds the input at a position. It has the shape that [`Self::place`] checked, and as many elements.
    pub fn set(&mut self, position: usize, shape: Vec<i64>, data: Data) {
        self.inputs[position] = Some(Tensor { shape, data });
    }

    /// Adds a requested output: as a binary tensor, or only the `best` classes.
    pub fn request(&mut self, name: &str, binary: bool, best: Option<usize>) -> Result<(), Refusal> {
        let position = self.signature.output(name).ok_or_else(|| {
            let known = Signature::names(&self.signature.outputs);
            Refusal::bad(format!("unknown output `{name}`; the model has {known}"))
        })?;
        if self.outputs.iter().any(|other| other.position == position) {
            return Err(Refusal::bad(format!("output `{name}` is requested twice")));
        }
        self.outputs.push(RequestedOutput { position, binary, best: best.filter(|count| *count > 0) });
        Ok(())
    }

    /// The request. Without requested outputs it has all, in binary form or not.
    ///
    /// Fails if an input is missing.
    pub fn finish(self, binary: bool) -> Result<InferRequest, Refusal> {
        let given = self.inputs.into_iter().zip(&self.signature.inputs);
        let inputs = given
            .map(|(tensor, port)| {
                tensor.ok_or_else(|| {
                    let Port { name, datatype, .. } = port;
                    Refusal::bad(format!("input `{name}` is missing: {datatype} {}", port.shape_text()))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let outputs = match self.outputs {
            none if none.is_empty() => RequestedOutput::all(self.signature, binary),
            outputs => outputs,
        };
        Ok(InferRequest { id: None, timeout: None, inputs, outputs })
    }
}

/// The datatype with this name, of an input if its name is known.
pub fn datatype_of(name: &str, input: Option<&str>) -> Result<Datatype, Refusal> {
    Datatype::from_name(name).ok_or_else(|| {
        let input = input.map(|input| format!("input `{input}`: ")).unwrap_or_default();
        let known: Vec<_> = Datatype::ALL.iter().map(|datatype| datatype.name()).collect();
        Refusal::bad(format!("{input}unknown datatype `{name}`; use one of {}", known.join(", ")))
    })
}
