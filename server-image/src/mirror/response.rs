//! Reads what the challenger answered: outputs as binary tensors, brought into the order of main's.

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

/// A larger answer is not kept.
const LARGEST: usize = 4 << 20;
/// What is kept of an error's text.
const TEXT: usize = 1 << 10;

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

/// Reads the answer of the challenger `expected`. `outputs` are main's; `reservation` grows with what is read.
pub async fn read(
    answer: Response<Incoming>,
    expected: &Identity,
    outputs: &[Port],
    reservation: &mut Reservation,
) -> Result<Answered, Dropped> {
    let (head, body) = answer.into_parts();
    let latency = headers::latency(&head.headers);
    if head.status != StatusCode::OK {
        let text = collect(body, TEXT, reservation).await.unwrap_or_default();
        return Ok(Answered {
            status: head.status.as_u16(),
            error: Some(message(&text)),
            outputs: Vec::new(),
            latency,
        });
    }
    let says =
        |name, value: &str| head.headers.get(name).is_some_and(|said| said.as_bytes() == value.as_bytes());
    if !says(headers::VERSION, &expected.version) || !says(headers::DIGEST, &expected.digest) {
        return Err(Dropped::WrongVersion);
    }
    let body = collect(body, LARGEST, reservation).await?;
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

/// The message of an error, or the beginning of whatever was sent instead of one.
fn message(text: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Error {
        error: String,
    }
    serde_json::from_slice::<Error>(text)
        .map_or_else(|_| String::from_utf8_lossy(text).into_owned(), |error| error.error)
}

/// The outputs, one for each of main's; `None` where the answer does not add up.
fn tensors(headers: &HeaderMap, body: &[u8], ports: &[Port]) -> Option<Vec<Tensor>> {
    let length: usize = headers.get(JSON_LENGTH)?.to_str().ok()?.parse().ok()?;
    let (json, mut blobs) = body.split_at_checked(length)?;
    let head: Head = serde_json::from_slice(json).ok()?;
    let mut found: Vec<Option<Tensor>> = Vec::new();
    found.resize_with(ports.len(), || None);
    for output in head.outputs {
        let (blob, rest) = blobs.split_at_checked(output.parameters.binary_data_size)?;
        blobs = rest;
        // What main does not have is not compared.
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
        Port { name: name.to_owned(), datatype, shape: vec![-1] }
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
    fn outputs_come_in_the_order_of_main_whatever_the_challenger_has_beside_them() {
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
    fn an_answer_that_does_not_add_up_is_none() {
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
        assert_eq!(tensors(&HeaderMap::new(), &body, &[]), None, "without the length of its JSON");
    }

    #[test]
    fn an_error_is_told_in_its_own_words() {
        assert_eq!(message(br#"{"error":"input `x` is missing"}"#), "input `x` is missing");
        assert_eq!(message(b"upstream connect error"), "upstream connect error");
    }
}
