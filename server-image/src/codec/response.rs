//! The response to an inference request, written directly from ONNX Runtime's memory.

use half::{bf16, f16};
use ort::{
    session::SessionOutputs,
    value::{DynValue, PrimitiveTensorElementType, ValueType},
};

use super::{
    binary,
    request::{InferRequest, RequestedOutput},
    write::{Json, list},
};
use crate::{
    error::Refusal,
    signature::{Port, Signature},
    tensor::{Data, Datatype, Tensor, elements},
};

/// A response body, and where its JSON ends if binary tensors follow.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct InferResponse {
    /// The JSON, then the binary tensors.
    pub body: Vec<u8>,
    /// Length of the JSON in bytes. `None` if no output is binary.
    pub json_length: Option<usize>,
}

/// The parts of every response that do not depend on the request, written once when the model is loaded.
#[derive(Debug)]
pub struct Templates {
    /// The JSON up to and including the version.
    head: Vec<u8>,
    /// For each output, the JSON up to its shape.
    outputs: Vec<Vec<u8>>,
}

impl Templates {
    /// The templates of one version of one model.
    #[must_use]
    pub fn new(model: &str, version: &str, signature: &Signature) -> Self {
        let mut head = b"{\"model_name\":".to_vec();
        model.write(&mut head);
        head.extend_from_slice(b",\"model_version\":");
        version.write(&mut head);
        let output = |port: &Port| {
            let mut open = b"{\"name\":".to_vec();
            port.name.write(&mut open);
            open.extend_from_slice(format!(",\"datatype\":\"{}\",\"shape\":[", port.datatype).as_bytes());
            open
        };
        Self { head, outputs: signature.outputs.iter().map(output).collect() }
    }

    /// Writes the outputs that `request` names. `outputs` are all outputs of the model, in the order of `signature`.
    pub fn response(
        &self,
        request: &InferRequest,
        signature: &Signature,
        outputs: &SessionOutputs<'_>,
    ) -> Result<InferResponse, Refusal> {
        let mut body = Vec::with_capacity(self.capacity(request, outputs));
        body.extend_from_slice(&self.head);
        if let Some(id) = &request.id {
            body.extend_from_slice(b",\"id\":");
            id.write(&mut body);
        }
        body.extend_from_slice(b",\"outputs\":[");
        let mut blobs = Vec::new();
        for (order, RequestedOutput { position, binary }) in request.outputs.iter().enumerate() {
            let (port, value) = (&signature.outputs[*position], &outputs[*position]);
            if order > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&self.outputs[*position]);
            list(&mut body, shape_of(value));
            if *binary {
                let before = blobs.len();
                append(&mut blobs, port, value, Encoding::Binary)?;
                body.extend_from_slice(b"],\"parameters\":{\"binary_data_size\":");
                (blobs.len() - before).write(&mut body);
                body.extend_from_slice(b"}}");
            } else {
                if !port.datatype.has_json() {
                    return Err(Refusal::bad(format!(
                        "output `{}`: {} has no JSON form; request it with `binary_data`",
                        port.name, port.datatype
                    )));
                }
                body.extend_from_slice(b"],\"data\":[");
                append(&mut body, port, value, Encoding::Json)?;
                body.extend_from_slice(b"]}");
            }
        }
        body.extend_from_slice(b"]}");
        let binary = request.outputs.iter().any(|wanted| wanted.binary);
        let json_length = binary.then_some(body.len());
        body.extend_from_slice(&blobs);
        Ok(InferResponse { body, json_length })
    }

    /// The approximate size of the response in bytes, so that its vector rarely grows.
    fn capacity(&self, request: &InferRequest, outputs: &SessionOutputs<'_>) -> usize {
        const DIGITS: usize = 12;
        let output = |wanted: &RequestedOutput| {
            self.outputs[wanted.position].len() + 64 + count_of(&outputs[wanted.position]) * DIGITS
        };
        self.head.len() + 64 + request.outputs.iter().map(output).sum::<usize>()
    }
}

/// How the data of an output is written.
#[derive(Clone, Copy)]
enum Encoding {
    Json,
    Binary,
}

/// The shape of an output. Empty for anything but a tensor; [`Signature::of`] rejects those when the model is loaded.
pub(super) fn shape_of(value: &DynValue) -> &[i64] {
    match value.dtype() {
        ValueType::Tensor { shape, .. } => shape,
        _ => &[],
    }
}

pub(super) fn count_of(value: &DynValue) -> usize {
    elements(shape_of(value)).unwrap_or_default()
}

/// The elements of an output. An empty output may have no memory to borrow.
pub(super) fn borrow<'v, T: PrimitiveTensorElementType>(
    port: &Port,
    value: &'v DynValue,
) -> Result<&'v [T], Refusal> {
    if count_of(value) == 0 {
        return Ok(&[]);
    }
    value.try_extract_tensor().map(|(_, elements)| elements).map_err(|error| failed(port, &error))
}

pub(super) fn strings(port: &Port, value: &DynValue) -> Result<Vec<String>, Refusal> {
    if count_of(value) == 0 {
        return Ok(Vec::new());
    }
    value.try_extract_strings().map(|(_, elements)| elements).map_err(|error| failed(port, &error))
}

/// Copies of all outputs, in the order of the signature.
pub fn tensors(signature: &Signature, outputs: &SessionOutputs<'_>) -> Result<Vec<Tensor>, Refusal> {
    let ports = signature.outputs.iter().enumerate();
    ports.map(|(position, port)| tensor(port, &outputs[position])).collect()
}

fn tensor(port: &Port, value: &DynValue) -> Result<Tensor, Refusal> {
    macro_rules! numbers {
        ($variant:ident) => {
            Data::$variant(borrow(port, value)?.to_vec())
        };
    }
    let data = match port.datatype {
        Datatype::Bool => numbers!(Bool),
        Datatype::Uint8 => numbers!(Uint8),
        Datatype::Uint16 => numbers!(Uint16),
        Datatype::Uint32 => numbers!(Uint32),
        Datatype::Uint64 => numbers!(Uint64),
        Datatype::Int8 => numbers!(Int8),
        Datatype::Int16 => numbers!(Int16),
        Datatype::Int32 => numbers!(Int32),
        Datatype::Int64 => numbers!(Int64),
        Datatype::Fp16 => numbers!(Fp16),
        Datatype::Bf16 => numbers!(Bf16),
        Datatype::Fp32 => numbers!(Fp32),
        Datatype::Fp64 => numbers!(Fp64),
        Datatype::Bytes => Data::Bytes(strings(port, value)?),
    };
    Ok(Tensor { shape: shape_of(value).to_vec(), data })
}

fn failed(port: &Port, error: &ort::Error) -> Refusal {
    Refusal::Backend(format!("output `{}`: {error}", port.name))
}

fn append(out: &mut Vec<u8>, port: &Port, value: &DynValue, encoding: Encoding) -> Result<(), Refusal> {
    fn numbers<T>(out: &mut Vec<u8>, port: &Port, value: &DynValue, encoding: Encoding) -> Result<(), Refusal>
    where
        T: PrimitiveTensorElementType + Json + bytemuck::NoUninit,
    {
        let elements = borrow::<T>(port, value)?;
        match encoding {
            Encoding::Json => list(out, elements),
            Encoding::Binary => binary::write_numbers(out, elements),
        }
        Ok(())
    }
    match port.datatype {
        Datatype::Bool => numbers::<bool>(out, port, value, encoding),
        Datatype::Uint8 => numbers::<u8>(out, port, value, encoding),
        Datatype::Uint16 => numbers::<u16>(out, port, value, encoding),
        Datatype::Uint32 => numbers::<u32>(out, port, value, encoding),
        Datatype::Uint64 => numbers::<u64>(out, port, value, encoding),
        Datatype::Int8 => numbers::<i8>(out, port, value, encoding),
        Datatype::Int16 => numbers::<i16>(out, port, value, encoding),
        Datatype::Int32 => numbers::<i32>(out, port, value, encoding),
        Datatype::Int64 => numbers::<i64>(out, port, value, encoding),
        Datatype::Fp16 => numbers::<f16>(out, port, value, encoding),
        Datatype::Bf16 => numbers::<bf16>(out, port, value, encoding),
        Datatype::Fp32 => numbers::<f32>(out, port, value, encoding),
        Datatype::Fp64 => numbers::<f64>(out, port, value, encoding),
        Datatype::Bytes => {
            let elements = strings(port, value)?;
            match encoding {
                Encoding::Json => list(out, &elements),
                Encoding::Binary => binary::write_strings(out, &elements),
            }
            Ok(())
        }
    }
}
