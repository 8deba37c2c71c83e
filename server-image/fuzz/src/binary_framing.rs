//! A request of the Open Inference Protocol: JSON, JSON before binary tensors, or one raw tensor.
//!
//! The first byte chooses the model, the second the header `Inference-Header-Content-Length`: absent, 0 (a raw tensor), the
//! position of the first NUL of the body (the NUL is removed), or a number in the next two bytes.

use serde_json::{Value, json};
use understudy_server::{
    codec::InferRequest,
    signature::Signature,
    tensor::{Tensor, elements},
};

use crate::{
    memory::bounded,
    reference::{blob, has_duplicates},
    signatures,
};

/// Every accepted request fits the model: each tensor has as many elements as its shape says. The declared sizes of binary
/// tensors add up to the bytes after the JSON. The same tensors in binary form are the same request.
pub fn check(input: &[u8]) {
    let Some(([model, header], rest)) = input.split_first_chunk() else { return };
    let signature = signatures::of(*model).signature;
    let (json_length, body) = match header % 4 {
        0 => (None, rest.to_vec()),
        1 => (Some(0), rest.to_vec()),
        2 => {
            let length = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            let blobs = rest.get(length + 1..).unwrap_or_default();
            (Some(length), [&rest[..length], blobs].concat())
        }
        _ => {
            let Some((length, body)) = rest.split_first_chunk() else { return };
            (Some(u16::from_le_bytes(*length).into()), body.to_vec())
        }
    };
    // A refused request has an id as well, for its record.
    let _ = bounded(&body, 2, 4096, |body| InferRequest::id_of(body, json_length));
    let Ok(request) = bounded(&body, 32, 16 << 10, |body| InferRequest::read(body, json_length, &signature))
    else {
        return;
    };
    fits(&request.inputs, &signature);
    let positions: Vec<_> = request.outputs.iter().map(|output| output.position).collect();
    assert!(!positions.is_empty(), "a response has at least one output");
    for (order, position) in positions.iter().enumerate() {
        assert!(
            *position < signature.outputs.len() && !positions[..order].contains(position),
            "{positions:?}"
        );
    }
    if json_length != Some(0) {
        let (json, blobs) = body.split_at(json_length.unwrap_or(body.len()));
        let document: Value = serde_json::from_slice(json).expect("an accepted request is JSON");
        if !has_duplicates(json) {
            assert_eq!(
                declared(&document),
                blobs.len(),
                "the declared sizes add up to the bytes after the JSON"
            );
        }
    }
    same_in_binary(&request.inputs, &signature);
}

/// Panics unless the tensors are those of the model.
pub fn fits(inputs: &[Tensor], signature: &Signature) {
    assert_eq!(inputs.len(), signature.inputs.len(), "one tensor for each input");
    for (tensor, port) in inputs.iter().zip(&signature.inputs) {
        assert_eq!(tensor.data.datatype(), port.datatype, "`{}`", port.name);
        assert!(port.accepts(&tensor.shape), "`{}` has the shape {:?}", port.name, tensor.shape);
        assert_eq!(elements(&tensor.shape), Some(tensor.data.len()), "`{}` of {:?}", port.name, tensor.shape);
    }
}

fn declared(document: &Value) -> usize {
    let inputs = document["inputs"].as_array().expect("a model has inputs");
    let sizes = inputs.iter().filter_map(|input| input["parameters"]["binary_data_size"].as_u64());
    usize::try_from(sizes.sum::<u64>()).expect("the sizes fit the body")
}

fn same_in_binary(inputs: &[Tensor], signature: &Signature) {
    let blobs: Vec<_> = inputs.iter().map(|tensor| blob(&tensor.data)).collect();
    let described: Vec<_> = signature
        .inputs
        .iter()
        .zip(inputs)
        .zip(&blobs)
        .map(|((port, tensor), blob)| {
            let size = json!({"binary_data_size": blob.len()});
            json!({"name": port.name, "shape": tensor.shape, "datatype": port.datatype, "parameters": size})
        })
        .collect();
    let json = json!({ "inputs": described }).to_string().into_bytes();
    let body = [json.clone(), blobs.concat()].concat();
    let again =
        InferRequest::read(&body, Some(json.len()), signature).expect("the same tensors in binary form");
    for ((one, other), blob_of_one) in inputs.iter().zip(&again.inputs).zip(&blobs) {
        assert_eq!((&one.shape, blob_of_one), (&other.shape, &blob(&other.data)));
    }
}
