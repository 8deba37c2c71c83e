//! Reads the program's answer to an inference, and holds it against the signature.

use http::StatusCode;

use super::connection::Reply;
use crate::{
    codec::{binary, elements, scan::Scanner},
    error::Refusal,
    output::Output,
    session::RunError,
    signature::{Port, Signature},
    tensor::{Data, Datatype, ShapeText, Tensor, elements as count_of},
};

/// Longest error of the program that callers get, in bytes.
const MAX_ERROR: usize = 1 << 10;

/// The outputs in the order of the signature.
pub fn read(reply: &Reply, signature: &Signature) -> Result<Vec<Output>, RunError> {
    match reply.status {
        StatusCode::OK => outputs(reply, signature)
            .map_err(|what| RunError::Broken(format!("the answer of the image of spec.runtime: {what}"))),
        StatusCode::NOT_FOUND => {
            Err(RunError::Unavailable("the image of spec.runtime has not loaded the model"))
        }
        StatusCode::TOO_MANY_REQUESTS => {
            Err(RunError::Busy("the image of spec.runtime has too many requests"))
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            Err(RunError::Unavailable("the image of spec.runtime is not ready"))
        }
        status if status.is_client_error() => Err(RunError::Rejected(message(&reply.body))),
        StatusCode::INTERNAL_SERVER_ERROR => Err(RunError::Failed(message(&reply.body))),
        status => Err(RunError::Broken(format!("the image of spec.runtime answered {status}"))),
    }
}

/// The text in `{"error": "..."}`, or the body if it is something else.
fn message(body: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Error {
        error: String,
    }
    let text = |_| String::from_utf8_lossy(&body[..body.len().min(MAX_ERROR)]).into_owned();
    let mut message = serde_json::from_slice(body).map_or_else(text, |Error { error }| error);
    message.truncate(message.floor_char_boundary(MAX_ERROR));
    message
}

/// One output, as far as it has been read.
#[derive(Default)]
struct Found<'a> {
    name: Option<String>,
    datatype: Option<String>,
    shape: Option<Vec<i64>>,
    size: Option<usize>,
    /// Where its JSON data begins.
    data: Option<Scanner<'a>>,
}

fn outputs(reply: &Reply, signature: &Signature) -> Result<Vec<Output>, String> {
    let length = reply.json_length.unwrap_or(reply.body.len());
    let (json, blobs) = reply.body.split_at_checked(length).ok_or("its header length is beyond its end")?;
    let mut found: Vec<Option<Tensor>> = vec![];
    found.resize_with(signature.outputs.len(), || None);
    let mut reader = Reader { signature, blobs, found };
    let mut scanner = Scanner::new(json);
    let read = scanner.object(|scanner, key| match key {
        "outputs" => scanner.array(|scanner| reader.output(scanner)),
        _ => scanner.skip(),
    });
    read.and_then(|()| scanner.finish()).map_err(|refusal| as_output(&refusal))?;
    let ports = signature.outputs.iter();
    ports
        .zip(reader.found)
        .map(|(port, tensor)| {
            tensor.map(Output::from).ok_or_else(|| format!("it has no output `{}`", port.name))
        })
        .collect()
}

/// The readers are those of requests, whose tensors are inputs.
fn as_output(refusal: &Refusal) -> String {
    refusal.to_string().replacen("input `", "output `", 1)
}

struct Reader<'a> {
    signature: &'a Signature,
    /// The rest of the bytes after the JSON.
    blobs: &'a [u8],
    found: Vec<Option<Tensor>>,
}

impl<'a> Reader<'a> {
    fn output(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Refusal> {
        let mut found = Found::default();
        scanner.object(|scanner, key| {
            match key {
                "name" => found.name = Some(scanner.string()?.into_owned()),
                "datatype" => found.datatype = Some(scanner.string()?.into_owned()),
                "shape" => found.shape = Some(shape(scanner)?),
                "data" => {
                    found.data = Some(*scanner);
                    scanner.skip()?;
                }
                "parameters" if scanner.peek() == Some(b'{') => scanner.object(|scanner, key| match key {
                    "binary_data_size" => {
                        found.size = Some(size(scanner)?);
                        Ok(())
                    }
                    _ => scanner.skip(),
                })?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        let name = found.name.take().ok_or_else(|| Refusal::bad("an output has no name"))?;
        let blob = match found.size {
            Some(size) => {
                let (blob, rest) = self
                    .blobs
                    .split_at_checked(size)
                    .ok_or_else(|| Refusal::bad(format!("output `{name}` is longer than the answer")))?;
                self.blobs = rest;
                Some(blob)
            }
            None => None,
        };
        // More outputs than the signature has do no harm.
        let Some(position) = self.signature.output(&name) else { return Ok(()) };
        let tensor = tensor(&self.signature.outputs[position], &name, found, blob)?;
        self.found[position] = Some(tensor);
        Ok(())
    }
}

fn tensor(port: &Port, name: &str, found: Found<'_>, blob: Option<&[u8]>) -> Result<Tensor, Refusal> {
    let wrong = |what: String| Refusal::bad(format!("output `{name}` {what}"));
    let datatype = found.datatype.unwrap_or_default();
    if Datatype::from_name(&datatype) != Some(port.datatype) {
        return Err(wrong(format!(
            "is `{datatype}`, but the description of the model says {}",
            port.datatype
        )));
    }
    let shape = found.shape.ok_or_else(|| wrong("has no shape".to_owned()))?;
    let count = count_of(&shape).filter(|_| port.accepts(&shape)).ok_or_else(|| {
        wrong(format!(
            "has the shape {}, but the description of the model says {}",
            ShapeText(&shape),
            port.shape_text()
        ))
    })?;
    let data: Data = match (blob, found.data) {
        (Some(blob), _) => binary::read(name, port.datatype, count, blob)?,
        (None, Some(mut data)) => elements::read_answer(&mut data, name, port.datatype)?.0,
        (None, None) => return Err(wrong("has no data".to_owned())),
    };
    if data.len() != count {
        return Err(wrong(format!(
            "has {} elements, but its shape {} needs {count}",
            data.len(),
            ShapeText(&shape)
        )));
    }
    Ok(Tensor { shape, data })
}

fn shape(scanner: &mut Scanner<'_>) -> Result<Vec<i64>, Refusal> {
    let mut shape = vec![];
    scanner.array(|scanner| {
        shape.push(scanner.integer().ok_or_else(|| scanner.wrong("a dimension must be an integer"))?);
        if shape.len() > crate::codec::scan::DEPTH {
            return Err(scanner.too_deep());
        }
        Ok(())
    })?;
    Ok(shape)
}

fn size(scanner: &mut Scanner<'_>) -> Result<usize, Refusal> {
    let size = scanner.integer().and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| scanner.wrong("`binary_data_size` must be a number of bytes"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn signature() -> Signature {
        let outputs =
            vec![Port::new("label", Datatype::Bytes, &[-1]), Port::new("scores", Datatype::Fp32, &[-1, 2])];
        Signature { inputs: vec![], outputs }
    }

    fn reply(status: u16, body: impl Into<Bytes>, json_length: Option<usize>) -> Reply {
        Reply { status: StatusCode::from_u16(status).unwrap(), json_length, body: body.into() }
    }

    fn of(body: &Value) -> Result<Vec<Tensor>, RunError> {
        let outputs = read(&reply(200, body.to_string(), None), &signature())?;
        Ok(outputs.iter().map(Output::to_tensor).collect())
    }

    fn label() -> Value {
        json!({"name": "label", "shape": [1], "datatype": "BYTES", "data": ["yes"]})
    }

    #[test]
    fn outputs_are_in_the_order_of_the_signature_nested_or_flat_and_null_is_nan() {
        let scores = json!({"data": [[0.25, null]], "name": "scores", "shape": [1, 2], "datatype": "FP32",
            "parameters": {"content_type": "np"}});
        let more = json!({"name": "more", "shape": [9], "datatype": "X", "data": {}});
        let found = of(&json!({"model_name": "m", "outputs": [scores, more, label()]})).unwrap();
        assert_eq!(found[0], Tensor { shape: vec![1], data: Data::Bytes(vec!["yes".to_owned()]) });
        assert_eq!(found[1].shape, [1, 2]);
        let Data::Fp32(scores) = &found[1].data else { panic!("{:?}", found[1]) };
        assert!(scores[0].to_bits() == 0.25_f32.to_bits() && scores[1].is_nan(), "{scores:?}");
    }

    #[test]
    fn binary_outputs_follow_the_json_in_its_order() {
        let head = json!({"outputs": [
            {"name": "scores", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 8}},
            {"name": "label", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 6}},
        ]})
        .to_string();
        let blobs = [&1.5_f32.to_le_bytes()[..], &2.5_f32.to_le_bytes(), &[2, 0, 0, 0], b"no"].concat();
        let body = [head.as_bytes(), &blobs].concat();
        let outputs = read(&reply(200, body, Some(head.len())), &signature()).unwrap();
        assert_eq!(outputs[1].to_tensor().data, Data::Fp32(vec![1.5, 2.5]));
        assert_eq!(outputs[0].to_tensor().data, Data::Bytes(vec!["no".to_owned()]));
    }

    #[rstest]
    #[case(json!({}), "it has no output `label`")]
    #[case(json!({"outputs": [label()]}), "it has no output `scores`")]
    #[case(json!([1, 2]), "expected `{`")]
    #[case(
        json!({"outputs": [{"name": "label", "shape": [2], "datatype": "BYTES", "data": ["yes"]}]}),
        "output `label` has 1 elements, but its shape [2] needs 2"
    )]
    #[case(
        json!({"outputs": [{"name": "scores", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}),
        "output `scores` has the shape [1,3], but the description of the model says [-1,2]"
    )]
    #[case(
        json!({"outputs": [{"name": "scores", "shape": [-1, 2], "datatype": "FP32", "data": []}]}),
        "output `scores` has the shape [-1,2]"
    )]
    #[case(
        json!({"outputs": [{"name": "scores", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}]}),
        "output `scores` is `FP64`, but the description of the model says FP32"
    )]
    #[case(
        json!({"outputs": [{"name": "scores", "shape": [1, 2], "datatype": "FP32", "data": [1, "2"]}]}),
        "output `scores`: invalid JSON"
    )]
    #[case(
        json!({"outputs": [{"name": "scores", "shape": [1, 2], "datatype": "FP32", "parameters": {"binary_data_size": 9}}]}),
        "output `scores` is longer than the answer"
    )]
    fn nonsense_is_an_error_of_the_image_and_not_of_the_caller(#[case] body: Value, #[case] expected: &str) {
        let error = of(&body).unwrap_err();
        assert!(matches!(&error, RunError::Broken(what) if what.contains(expected)), "{error:?}");
    }

    #[rstest]
    #[case(400, RunError::Rejected("a is wrong".to_owned()))]
    #[case(422, RunError::Rejected("a is wrong".to_owned()))]
    #[case(500, RunError::Failed("a is wrong".to_owned()))]
    #[case(404, RunError::Unavailable("the image of spec.runtime has not loaded the model"))]
    #[case(503, RunError::Unavailable("the image of spec.runtime is not ready"))]
    #[case(429, RunError::Busy("the image of spec.runtime has too many requests"))]
    #[case(302, RunError::Broken("the image of spec.runtime answered 302 Found".to_owned()))]
    fn an_error_of_the_image_is_told_apart_from_a_wrong_request(
        #[case] status: u16,
        #[case] expected: RunError,
    ) {
        let body = json!({"error": "a is wrong"}).to_string();
        assert_eq!(read(&reply(status, body, None), &signature()).unwrap_err(), expected);
    }

    #[test]
    fn an_error_that_is_not_json_is_cut_and_reported_as_text() {
        let body = "é".repeat(3000);
        let RunError::Failed(message) = read(&reply(500, body, None), &signature()).unwrap_err() else {
            panic!("another error")
        };
        assert!(message.starts_with("éé") && message.len() <= MAX_ERROR, "{message}");
    }
}
