//! The response to an inference request, written directly from the memory of the outputs.

use super::{
    binary, classification,
    infer_request::{InferRequest, RequestedOutput},
    room,
    write::{Json, list},
};
use crate::{
    error::Refusal,
    output::Output,
    signature::{Port, Signature},
    tensor::{Data, Tensor},
    view::each_view,
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
    /// For each output, the bytes of an element in binary.
    sizes: Vec<Option<usize>>,
}

impl From<Vec<u8>> for InferResponse {
    fn from(json: Vec<u8>) -> Self {
        Self { body: json, json_length: None }
    }
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
        let sizes = signature.outputs.iter().map(|port| port.datatype.size()).collect();
        Self { head, outputs: signature.outputs.iter().map(output).collect(), sizes }
    }

    /// Writes the outputs that `request` names. `outputs` are all outputs of the model, in the order of `signature`.
    pub fn response(
        &self,
        request: &InferRequest,
        signature: &Signature,
        outputs: &[Output],
    ) -> Result<InferResponse, Refusal> {
        let (json, binary) = self.capacity(request, outputs);
        let mut body = room::reserve(json + binary)?;
        let mut blobs = room::reserve(binary)?;
        body.extend_from_slice(&self.head);
        if let Some(id) = &request.id {
            body.extend_from_slice(b",\"id\":");
            id.write(&mut body);
        }
        body.extend_from_slice(b",\"outputs\":[");
        for (order, RequestedOutput { position, binary, best }) in request.outputs.iter().enumerate() {
            let (port, value) = (&signature.outputs[*position], &outputs[*position]);
            if order > 0 {
                body.push(b',');
            }
            if let Some(count) = best {
                let best = classification::best(port, &value.to_tensor(), *count)?;
                classes(&mut body, &mut blobs, port, &best, *binary);
                continue;
            }
            body.extend_from_slice(&self.outputs[*position]);
            list(&mut body, value.shape());
            if *binary {
                let before = blobs.len();
                append_binary(&mut blobs, value);
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
                each_view!(value.view(), numbers => list(&mut body, numbers), texts => list(&mut body, texts));
                body.extend_from_slice(b"]}");
            }
        }
        body.extend_from_slice(b"]}");
        let binary = request.outputs.iter().any(|wanted| wanted.binary);
        let json_length = binary.then_some(body.len());
        body.extend_from_slice(&blobs);
        Ok(InferResponse { body, json_length })
    }

    /// The largest size of the JSON and of the binary tensors in bytes, so that their vectors do not grow. Strings count as
    /// short ones.
    fn capacity(&self, request: &InferRequest, outputs: &[Output]) -> (usize, usize) {
        let (mut json, mut binary) = (self.head.len() + 64, 0);
        for wanted in &request.outputs {
            let size = self.sizes[wanted.position];
            let count = outputs[wanted.position].count();
            json += self.outputs[wanted.position].len() + 64;
            if wanted.binary {
                binary += count.saturating_mul(size.unwrap_or(16));
            } else {
                json += count.saturating_mul(digits(size));
            }
        }
        (json, binary)
    }
}

/// Most characters of a number of `size` bytes in JSON, with its comma.
fn digits(size: Option<usize>) -> usize {
    match size {
        Some(1) => 6,
        Some(2) => 7,
        Some(4) => 16,
        _ => 26,
    }
}

/// Writes the best classes of an output.
fn classes(
    body: &mut Vec<u8>,
    blobs: &mut Vec<u8>,
    port: &Port,
    Tensor { shape, data }: &Tensor,
    binary: bool,
) {
    let Data::Bytes(texts) = data else { return };
    body.extend_from_slice(b"{\"name\":");
    port.name.write(body);
    body.extend_from_slice(b",\"datatype\":\"BYTES\",\"shape\":[");
    list(body, shape);
    if binary {
        let before = blobs.len();
        binary::write_strings(blobs, texts);
        body.extend_from_slice(b"],\"parameters\":{\"binary_data_size\":");
        (blobs.len() - before).write(body);
        body.extend_from_slice(b"}}");
    } else {
        body.extend_from_slice(b"],\"data\":[");
        list(body, texts);
        body.extend_from_slice(b"]}");
    }
}

/// Appends the elements of an output in the binary form.
pub(super) fn append_binary(out: &mut Vec<u8>, output: &Output) {
    each_view!(
        output.view(),
        numbers => binary::write_numbers(out, numbers),
        texts => binary::write_strings(out, texts)
    );
}
