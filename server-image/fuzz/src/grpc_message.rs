//! A request of gRPC: a `ModelInferRequest`.
//!
//! The first byte chooses the model. The second is ignored, so that the inputs of `binary_framing` are inputs of this target, too.

use bytes::Bytes;
use prost::Message as _;
use understudy_server::{
    codec::{InferRequest, grpc, message_bounds},
    error::Refusal,
    proto::{InferTensorContents, ModelInferRequest, model_infer_request::InferInputTensor},
    signature::Signature,
    tensor::{Data, Tensor},
};

use crate::{binary_framing::fits, memory::bounded, reference::blob, signatures};

/// Every accepted message fits the model, and is read again after the message was encoded anew. A JSON request is the same
/// request as a message, with elements in `contents` and in `raw_input_contents`.
pub fn check(input: &[u8]) {
    let Some(([model, _], rest)) = input.split_first_chunk() else { return };
    let signature = signatures::of(*model).signature;
    let _ = bounded(rest, 2, 4096, message_bounds::id_of);
    let body = Bytes::copy_from_slice(rest);
    // Each name and parameter takes some hundred bytes, and there may be about a thousand.
    if let Ok(request) = bounded(rest, 64, 64 << 10, |_| read(body, &signature)) {
        fits(&request.inputs, &signature);
        let message = ModelInferRequest::decode(rest).expect("an accepted message is one for prost");
        assert_eq!(message.inputs.len(), signature.inputs.len());
        same(&request.inputs, &signature);
    }
    if let Ok(request) = InferRequest::read(rest, None, &signature) {
        same(&request.inputs, &signature);
    }
}

fn read(body: Bytes, signature: &Signature) -> Result<InferRequest, Refusal> {
    grpc::read(grpc::decode(body, signature)?, signature)
}

/// Panics unless these tensors are the same request in both forms of a message.
fn same(inputs: &[Tensor], signature: &Signature) {
    for raw in [true, false] {
        let mut message = ModelInferRequest::default();
        for (port, tensor) in signature.inputs.iter().zip(inputs) {
            message.inputs.push(InferInputTensor {
                name: port.name.clone(),
                datatype: port.datatype.to_string(),
                shape: tensor.shape.clone(),
                contents: if raw { None } else { contents(&tensor.data) },
                ..InferInputTensor::default()
            });
            if raw {
                message.raw_input_contents.push(blob(&tensor.data).into());
            }
        }
        // `contents` has no field for FP16 and BF16.
        if !raw && message.inputs.iter().any(|input| input.contents.is_none()) {
            continue;
        }
        let read = read(message.encode_to_vec().into(), signature);
        let again = read.unwrap_or_else(|refusal| panic!("the same tensors in a message: {refusal}"));
        for (one, other) in inputs.iter().zip(&again.inputs) {
            assert_eq!((&one.shape, blob(&one.data)), (&other.shape, blob(&other.data)));
        }
    }
}

fn contents(data: &Data) -> Option<InferTensorContents> {
    fn wide<Narrow: Copy, Wide: From<Narrow>>(elements: &[Narrow]) -> Vec<Wide> {
        elements.iter().map(|element| Wide::from(*element)).collect()
    }
    let mut contents = InferTensorContents::default();
    match data {
        Data::Bool(elements) => contents.bool_contents.clone_from(elements),
        Data::Int8(elements) => contents.int_contents = wide(elements),
        Data::Int16(elements) => contents.int_contents = wide(elements),
        Data::Int32(elements) => contents.int_contents.clone_from(elements),
        Data::Int64(elements) => contents.int64_contents.clone_from(elements),
        Data::Uint8(elements) => contents.uint_contents = wide(elements),
        Data::Uint16(elements) => contents.uint_contents = wide(elements),
        Data::Uint32(elements) => contents.uint_contents.clone_from(elements),
        Data::Uint64(elements) => contents.uint64_contents.clone_from(elements),
        Data::Fp32(elements) => contents.fp32_contents.clone_from(elements),
        Data::Fp64(elements) => contents.fp64_contents.clone_from(elements),
        Data::Bytes(texts) => {
            contents.bytes_contents =
                texts.iter().map(|text| Bytes::from(text.clone().into_bytes())).collect();
        }
        Data::Fp16(_) | Data::Bf16(_) => return None,
    }
    Some(contents)
}
