//! The messages of gRPC as requests, and outputs as messages.

use std::{collections::HashMap, fmt::Display, time::Duration};

use bytes::Bytes;
use prost::Message as _;

use super::{
    binary, classification,
    gathered::{Gathered, datatype_of},
    infer_request::{InferRequest, RequestedOutput},
    message_bounds,
    response::append_binary,
};
use crate::{
    error::Refusal,
    output::Output,
    proto::{
        InferParameter, InferTensorContents, ModelInferRequest, ModelInferResponse,
        infer_parameter::ParameterChoice, model_infer_request::InferInputTensor,
        model_infer_response::InferOutputTensor,
    },
    signature::Signature,
    tensor::{Data, Datatype, ShapeText},
    view::View,
};

/// Decodes a `ModelInferRequest`, which names the model before anything is said about its tensors.
pub fn decode(body: Bytes, signature: &Signature) -> Result<ModelInferRequest, Refusal> {
    message_bounds::ensure(&body, signature)?;
    ModelInferRequest::decode(body)
        .map_err(|error| Refusal::bad(format!("invalid ModelInferRequest: {error}")))
}

/// Reads a decoded request. Its outputs are binary if its inputs are.
///
/// The error says which input or output is wrong.
pub fn read(message: ModelInferRequest, signature: &Signature) -> Result<InferRequest, Refusal> {
    let ModelInferRequest { id, parameters, inputs, outputs, raw_input_contents, .. } = message;
    let raw = !raw_input_contents.is_empty();
    if raw && raw_input_contents.len() != inputs.len() {
        return Err(Refusal::bad(format!(
            "raw_input_contents has {} tensors, but there are {} inputs",
            raw_input_contents.len(),
            inputs.len()
        )));
    }
    let mut gathered = Gathered::new(signature);
    let mut blobs = raw_input_contents.into_iter();
    for input in inputs {
        add(&mut gathered, input, blobs.next())?;
    }
    for output in outputs {
        shared_memory(&output.parameters)?;
        let best = number(&output.parameters, "classification", "a number of classes")?;
        gathered.request(&output.name, raw, best.and_then(|count| usize::try_from(count).ok()))?;
    }
    let timeout = number(&parameters, "timeout", "a number of microseconds")?;
    Ok(InferRequest {
        id: Some(id).filter(|id| !id.is_empty()),
        // Triton's clients send 0 for none.
        timeout: timeout.filter(|micros| *micros > 0).map(Duration::from_micros),
        ..gathered.finish(raw)?
    })
}

fn add(gathered: &mut Gathered<'_>, input: InferInputTensor, blob: Option<Bytes>) -> Result<(), Refusal> {
    let InferInputTensor { name, datatype, shape, parameters, contents } = input;
    shared_memory(&parameters)?;
    let datatype = datatype_of(&datatype, Some(&name))?;
    let (position, count) = gathered.place(&name, &shape, datatype)?;
    let data = match (blob, contents) {
        (Some(_), Some(contents)) if has_elements(&contents) => {
            return Err(Refusal::bad(format!(
                "input `{name}` has `contents`, but the request has raw_input_contents: use one of them"
            )));
        }
        (Some(blob), _) => binary::read(&name, datatype, count, &blob)?,
        (None, contents) => {
            let data = elements(&name, datatype, contents.unwrap_or_default())?;
            if data.len() != count {
                return Err(Refusal::bad(format!(
                    "input `{name}`: the shape {} needs {count} elements, found {}",
                    ShapeText(&shape),
                    data.len()
                )));
            }
            data
        }
    };
    gathered.set(position, shape, data);
    Ok(())
}

fn has_elements(contents: &InferTensorContents) -> bool {
    *contents != InferTensorContents::default()
}

/// The field of `contents` for the elements of a datatype. `None` if it has none.
fn field_of(datatype: Datatype) -> Option<&'static str> {
    Some(match datatype {
        Datatype::Bool => "bool_contents",
        Datatype::Int8 | Datatype::Int16 | Datatype::Int32 => "int_contents",
        Datatype::Int64 => "int64_contents",
        Datatype::Uint8 | Datatype::Uint16 | Datatype::Uint32 => "uint_contents",
        Datatype::Uint64 => "uint64_contents",
        Datatype::Fp32 => "fp32_contents",
        Datatype::Fp64 => "fp64_contents",
        Datatype::Bytes => "bytes_contents",
        Datatype::Fp16 | Datatype::Bf16 => return None,
    })
}

/// The elements of a datatype, from its own field. The others must be empty.
fn elements(name: &str, datatype: Datatype, contents: InferTensorContents) -> Result<Data, Refusal> {
    fn small<Wide, Narrow>(name: &str, datatype: Datatype, elements: &[Wide]) -> Result<Vec<Narrow>, Refusal>
    where
        Wide: Copy + Display,
        Narrow: TryFrom<Wide>,
    {
        let narrow = |element: &Wide| {
            let outside =
                |_| Refusal::bad(format!("input `{name}`: {element} is not an integer that fits {datatype}"));
            Narrow::try_from(*element).map_err(outside)
        };
        elements.iter().map(narrow).collect()
    }
    let Some(field) = field_of(datatype) else {
        return Err(Refusal::bad(format!(
            "input `{name}`: `contents` has no field for {datatype}; send it in raw_input_contents"
        )));
    };
    let filled = [
        ("bool_contents", contents.bool_contents.is_empty()),
        ("int_contents", contents.int_contents.is_empty()),
        ("int64_contents", contents.int64_contents.is_empty()),
        ("uint_contents", contents.uint_contents.is_empty()),
        ("uint64_contents", contents.uint64_contents.is_empty()),
        ("fp32_contents", contents.fp32_contents.is_empty()),
        ("fp64_contents", contents.fp64_contents.is_empty()),
        ("bytes_contents", contents.bytes_contents.is_empty()),
    ];
    if let Some((other, _)) = filled.iter().find(|(other, is_empty)| !is_empty && *other != field) {
        return Err(Refusal::bad(format!(
            "input `{name}` has elements in `{other}`; those of {datatype} belong in `{field}`"
        )));
    }
    Ok(match datatype {
        Datatype::Bool => Data::Bool(contents.bool_contents),
        Datatype::Int8 => Data::Int8(small(name, datatype, &contents.int_contents)?),
        Datatype::Int16 => Data::Int16(small(name, datatype, &contents.int_contents)?),
        Datatype::Int32 => Data::Int32(contents.int_contents),
        Datatype::Int64 => Data::Int64(contents.int64_contents),
        Datatype::Uint8 => Data::Uint8(small(name, datatype, &contents.uint_contents)?),
        Datatype::Uint16 => Data::Uint16(small(name, datatype, &contents.uint_contents)?),
        Datatype::Uint32 => Data::Uint32(contents.uint_contents),
        Datatype::Uint64 => Data::Uint64(contents.uint64_contents),
        Datatype::Fp32 => Data::Fp32(contents.fp32_contents),
        Datatype::Fp64 => Data::Fp64(contents.fp64_contents),
        Datatype::Bytes => {
            let texts = contents.bytes_contents.iter().map(|text| binary::text_of(name, text));
            Data::Bytes(texts.collect::<Result<_, _>>()?)
        }
        Datatype::Fp16 | Datatype::Bf16 => unreachable!("they have no field"),
    })
}

type Parameters = HashMap<String, InferParameter>;

fn shared_memory(parameters: &Parameters) -> Result<(), Refusal> {
    if parameters.contains_key("shared_memory_region") {
        return Err(Refusal::Unsupported("shared memory is not supported".to_owned()));
    }
    Ok(())
}

/// The parameter `name`, which must be `what`. `None` if there is none.
fn number(parameters: &Parameters, name: &str, what: &str) -> Result<Option<u64>, Refusal> {
    let Some(parameter) = parameters.get(name) else { return Ok(None) };
    let number = match parameter.parameter_choice {
        Some(ParameterChoice::Int64Param(number)) => u64::try_from(number).ok(),
        Some(ParameterChoice::Uint64Param(number)) => Some(number),
        _ => None,
    };
    number.map(Some).ok_or_else(|| Refusal::bad(format!("parameter `{name}` must be {what}")))
}

/// Writes a `ModelInferResponse`. `outputs` are all outputs of the model, in the order of `signature`. They are bytes if the
/// request's inputs were, or if one of them has no other form.
pub fn response(
    model: &str,
    version: &str,
    request: &InferRequest,
    signature: &Signature,
    outputs: &[Output],
) -> Result<Vec<u8>, Refusal> {
    let has_field = |wanted: &RequestedOutput| {
        field_of(signature.outputs[wanted.position].datatype).is_some() || wanted.best.is_some()
    };
    let raw = !request.outputs.iter().all(|wanted| !wanted.binary && has_field(wanted));
    let mut message = ModelInferResponse {
        model_name: model.to_owned(),
        model_version: version.to_owned(),
        id: request.id.clone().unwrap_or_default(),
        ..ModelInferResponse::default()
    };
    for RequestedOutput { position, best, .. } in &request.outputs {
        let (port, output) = (&signature.outputs[*position], &outputs[*position]);
        let classes = best.map(|count| classification::best(port, &output.to_tensor(), count));
        let classes = classes.transpose()?.map(Output::from);
        let output = classes.as_ref().unwrap_or(output);
        let contents = if raw {
            let mut blob = Vec::with_capacity(output.count() * port.datatype.size().unwrap_or(16));
            append_binary(&mut blob, output);
            message.raw_output_contents.push(blob.into());
            None
        } else {
            Some(contents(output.view()))
        };
        message.outputs.push(InferOutputTensor {
            name: port.name.clone(),
            datatype: if classes.is_some() { Datatype::Bytes } else { port.datatype }.to_string(),
            shape: output.shape().to_vec(),
            parameters: HashMap::new(),
            contents,
        });
    }
    Ok(message.encode_to_vec())
}

/// The elements in the field of their datatype.
fn contents(view: View<'_>) -> InferTensorContents {
    fn wide<Narrow: Copy, Wide: From<Narrow>>(elements: &[Narrow]) -> Vec<Wide> {
        elements.iter().map(|element| Wide::from(*element)).collect()
    }
    let mut contents = InferTensorContents::default();
    match view {
        View::Bool(elements) => contents.bool_contents = elements.to_vec(),
        View::Int8(elements) => contents.int_contents = wide(elements),
        View::Int16(elements) => contents.int_contents = wide(elements),
        View::Int32(elements) => contents.int_contents = elements.to_vec(),
        View::Int64(elements) => contents.int64_contents = elements.to_vec(),
        View::Uint8(elements) => contents.uint_contents = wide(elements),
        View::Uint16(elements) => contents.uint_contents = wide(elements),
        View::Uint32(elements) => contents.uint_contents = elements.to_vec(),
        View::Uint64(elements) => contents.uint64_contents = elements.to_vec(),
        View::Fp32(elements) => contents.fp32_contents = elements.to_vec(),
        View::Fp64(elements) => contents.fp64_contents = elements.to_vec(),
        View::Bytes(texts) => {
            contents.bytes_contents =
                texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
        }
        View::Fp16(_) | View::Bf16(_) => unreachable!("`response` sends them as bytes"),
    }
    contents
}
