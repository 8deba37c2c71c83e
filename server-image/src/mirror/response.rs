//! Decodes the challenger's response: outputs as binary tensors, in the order of main's.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use serde::Deserialize;

use crate::{
    call::{Answered, Dropped, Identity},
    codec::binary,
    headers::{self, JSON_LENGTH},
    queue::budget::Reservation,
    signature::Port,
    tensor::{Datatype, Tensor, elements},
};

/// Largest response in bytes. A larger one is dropped.
const MAX_RESPONSE: usize = 4 << 20;
/// Largest body of an error in bytes.
const MAX_ERROR: usize = 1 << 10;

#[derive(Deserialize)]
struct Head {
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    parameters: Parameters,
}

#[derive(Deserialize)]
struct Parameters {
    binary_data_size: usize,
}

/// Decodes the response of the challenger `expected`. `outputs` are main's. `reservation` grows with the body.
///
/// Fails if another version answered, if the body is too large or incomplete, or if it is not a prediction with all of
/// main's outputs.
pub async fn read(
    response: Response<Incoming>,
    expected: &Identity,
    outputs: &[Port],
    reservation: &mut Reservation,
) -> Result<Answered, Dropped> {
    let (head, body) = response.into_parts();
    let latency = headers::latency(&head.headers);
    if head.status != StatusCode::OK {
        let text = collect(body, MAX_ERROR, reservation).await.unwrap_or_default();
        return Ok(Answered {
            status: head.status.as_u16(),
            error: Some(message(&text)),
            outputs: Vec::new(),
            latency,
        });
    }
    let has =
        |name, value: &str| head.headers.get(name).is_some_and(|found| found.as_bytes() == value.as_bytes());
    if !has(headers::VERSION, &expected.version) || !has(headers::DIGEST, &expected.digest) {
        return Err(Dropped::WrongVersion);
    }
    let body = collect(body, MAX_RESPONSE, reservation).await?;
    let outputs = tensors(&head.headers, &body, outputs).ok_or(Dropped::Broken)?;
    Ok(Answered { status: 200, error: None, outputs, latency })
}

async fn collect(mut body: Incoming, limit: usize, reservation: &mut Reservation) -> Result<Bytes, Dropped> {
    if body.size_hint().exact().is_some_and(|length| length > limit as u64) {
        return Err(Dropped::TooLarge);
    }
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Dropped::Broken)?;
        let Ok(data) = frame.into_data() else { continue };
        if all.len() + data.len() > limit {
            return Err(Dropped::TooLarge);
        }
        if !reservation.grow(data.len()) {
            return Err(Dropped::QueueFull);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}

/// The message in the JSON of an error. If the body is something else, its text.
fn message(text: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Error {
        error: String,
    }
    serde_json::from_slice::<Error>(text)
        .map_or_else(|_| String::from_utf8_lossy(text).into_owned(), |error| error.error)
}

/// The outputs, one for each of main's. `None` if the body is not a prediction with all of them.
fn tensors(headers: &HeaderMap, body: &[u8], ports: &[Port]) -> Option<Vec<Tensor>> {
    let length: usize = headers.get(JSON_LENGTH)?.to_str().ok()?.parse().ok()?;
    let (json, mut blobs) = body.split_at_checked(length)?;
    let head: Head = serde_json::from_slice(json).ok()?;
    let mut found: Vec<Option<Tensor>> = Vec::new();
    found.resize_with(ports.len(), || None);
    for output in head.outputs {
        let (blob, rest) = blobs.split_at_checked(output.parameters.binary_data_size)?;
        blobs = rest;
        // An output that main does not have cannot be compared.
        let Some(position) = ports.iter().position(|port| port.name == output.name) else { continue };
        let datatype = Datatype::from_name(&output.datatype)?;
        if datatype != ports[position].datatype {
            return None;
        }
        let data = binary::read(&output.name, datatype, elements(&output.shape)?, blob).ok()?;
        found[position] = Some(Tensor { shape: output.shape, data });
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;
    use crate::tensor::Data;

    fn port(name: &str, datatype: Datatype) -> Port {
        Port::new(name, datatype, &[-1])
    }

    fn body(outputs: &serde_json::Value, blobs: &[u8]) -> (HeaderMap, Vec<u8>) {
        let json = json!({"model_name": "fraud", "outputs": outputs}).to_string();
        let mut headers = HeaderMap::new();
        headers.insert(JSON_LENGTH, HeaderValue::from(json.len()));
        (headers, [json.as_bytes(), blobs].concat())
    }

    fn output(name: &str, datatype: &str, size: usize) -> serde_json::Value {
        json!({"name": name, "datatype": datatype, "shape": [1], "parameters": {"binary_data_size": size}})
    }

    #[test]
    fn outputs_are_in_the_order_of_main_and_additional_outputs_are_ignored() {
        let ports = [port("label", Datatype::Int64), port("score", Datatype::Fp32)];
        let sent =
            json!([output("score", "FP32", 4), output("more", "BOOL", 1), output("label", "INT64", 8)]);
        let blobs = [&0.5_f32.to_le_bytes()[..], &[1], &7_i64.to_le_bytes()].concat();
        let (headers, body) = body(&sent, &blobs);
        let found = tensors(&headers, &body, &ports).unwrap();
        assert_eq!(found[0].data, Data::Int64(vec![7]));
        assert_eq!(found[1].data, Data::Fp32(vec![0.5]));
    }

    #[test]
    fn a_response_that_is_not_a_prediction_with_mains_outputs_is_rejected() {
        let ports = [port("score", Datatype::Fp32)];
        for (sent, blobs) in [
            (json!([]), &[][..]),
            (json!([output("other", "FP32", 4)]), &[0; 4][..]),
            (json!([output("score", "FP64", 8)]), &[0; 8][..]),
            (json!([output("score", "FP32", 4)]), &[0; 3][..]),
            (json!([output("score", "FP32", 8)]), &[0; 8][..]),
            (json!([output("score", "COMPLEX", 4)]), &[0; 4][..]),
            (json!("score"), &[][..]),
        ] {
            let (headers, body) = body(&sent, blobs);
            assert_eq!(tensors(&headers, &body, &ports), None, "{sent}");
        }
        let (_, body) = body(&json!([]), &[]);
        assert_eq!(tensors(&HeaderMap::new(), &body, &[]), None, "without the length of the JSON");
    }

    #[test]
    fn the_message_of_an_error_is_kept_and_other_text_is_kept_as_it_is() {
        assert_eq!(message(br#"{"error":"input `x` is missing"}"#), "input `x` is missing");
        assert_eq!(message(b"upstream connect error"), "upstream connect error");
    }
}
