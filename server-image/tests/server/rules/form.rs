//! The forms of a request: how each is written, sent and answered.

use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Code, Status};
use understudy_server::proto::{
    InferParameter, ModelInferRequest, ModelInferResponse,
    infer_parameter::ParameterChoice,
    model_infer_request::{InferInputTensor, InferRequestedOutputTensor},
};

use super::request::{Request, Tensor};
use crate::{
    client::{Connection, Response},
    grpc::Client,
    harness::Server,
};

/// A form of requests and their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// JSON, answered in binary tensors.
    Mixed,
    /// Binary tensors after their JSON.
    Binary,
    /// gRPC with `contents`.
    Typed,
    /// gRPC with `raw_input_contents`.
    Raw,
}

/// A class of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Invalid,
    NotFound,
    TooLarge,
    Unsupported,
}

/// What a server answered.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The outputs, as JSON without or with the bytes of its tensors, or as an encoded message.
    Outputs(Value, Vec<u8>),
    Refused(Class, String),
}

impl Form {
    pub const ALL: [Self; 5] = [Self::Json, Self::Mixed, Self::Binary, Self::Typed, Self::Raw];
    /// Those with elements instead of their bytes.
    pub const OF_ELEMENTS: [Self; 3] = [Self::Json, Self::Mixed, Self::Typed];
    /// Those with bytes.
    pub const OF_BYTES: [Self; 2] = [Self::Binary, Self::Raw];
    /// Those whose data is JSON.
    pub const OF_JSON: [Self; 2] = [Self::Json, Self::Mixed];

    /// Whether this form can express a request.
    pub fn can_express(self, request: &Request) -> bool {
        self.rest(request).is_some() || self.message(request).is_some()
    }

    /// Sends a request.
    pub fn send(self, request: &Request, server: &Server, client: &Client) -> Answer {
        if let Some(message) = self.message(request) {
            return answered(client.infer(message));
        }
        let (json, blobs) = self.rest(request).expect("the form can express it");
        let (model, version) = request.asks;
        let version = if version.is_empty() { String::new() } else { format!("/versions/{version}") };
        let length = json.len().to_string();
        let headers = [("Inference-Header-Content-Length", length.as_str())];
        let headers = if self == Self::Binary { &headers[..] } else { &[] };
        let path = format!("/v2/models/{model}{version}/infer");
        let response =
            Connection::open(server.main).call("POST", &path, headers, &[json, blobs.concat()].concat());
        received(&response)
    }

    /// The answer with these outputs, as this form has it. `None` if it cannot express them.
    pub fn outputs(self, outputs: &[Tensor]) -> Option<Answer> {
        let blobs = || outputs.iter().map(|output| output.values.blob(output.datatype)).collect();
        let described = |field: &str, value: &dyn Fn(&Tensor) -> Option<Value>| {
            let described =
                outputs.iter().map(|Tensor { name, shape, datatype, .. }| (name, shape, datatype));
            let described = described.zip(outputs).map(|((name, shape, datatype), output)| {
                Some(json!({"name": name, "shape": shape, "datatype": datatype, field: value(output)?}))
            });
            described.collect::<Option<Vec<_>>>().map(Value::from)
        };
        Some(match self {
            Self::Json => Answer::Outputs(described("data", &|output| output.values.answered())?, vec![]),
            Self::Mixed | Self::Binary => {
                let blobs: Option<Vec<Vec<u8>>> = blobs();
                let size = |output: &Tensor| {
                    Some(json!({"binary_data_size": output.values.blob(output.datatype)?.len()}))
                };
                Answer::Outputs(described("parameters", &size)?, blobs?.concat())
            }
            Self::Typed => {
                let contents =
                    |output: &Tensor| Some(json!(output.values.contents(output.datatype)?.encode_to_vec()));
                Answer::Outputs(described("contents", &contents)?, vec![])
            }
            Self::Raw => {
                let blob = |output: &Tensor| Some(json!(output.values.blob(output.datatype)?));
                Answer::Outputs(described("raw", &blob)?, vec![])
            }
        })
    }

    /// The JSON of a request over REST, and its binary tensors.
    fn rest(self, request: &Request) -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
        let (mut inputs, mut blobs) = (Vec::new(), Vec::new());
        for Tensor { name, shape, datatype, values, is_shared } in &request.inputs {
            let data = match self {
                Self::Json | Self::Mixed => [b"\"data\":", values.json()?.as_slice()].concat(),
                Self::Binary => {
                    let blob = values.blob(datatype)?;
                    let size = format!("\"parameters\":{{\"binary_data_size\":{}}}", blob.len());
                    blobs.push(blob);
                    size.into_bytes()
                }
                Self::Typed | Self::Raw => return None,
            };
            let shared = r#","parameters":{"shared_memory_region":"r"}"#;
            let shared = if *is_shared { shared } else { "" };
            let described =
                format!(r#"{{"name":{},"shape":{shape:?},"datatype":{}"#, json!(name), json!(datatype));
            inputs.push([described.as_bytes(), shared.as_bytes(), b",", &data, b"}"].concat());
        }
        let outputs: Vec<_> = request.outputs.iter().map(|name| json!({"name": name})).collect();
        let binary = self != Self::Json;
        let end = json!({"outputs": outputs, "parameters": {"binary_data_output": binary}}).to_string();
        let end = end.replacen('{', "],", 1);
        let body = [br#"{"inputs":["#, inputs.join(&b","[..]).as_slice(), end.as_bytes()].concat();
        Some((body, blobs))
    }

    /// The message of a request over gRPC.
    fn message(self, request: &Request) -> Option<ModelInferRequest> {
        let mut message = ModelInferRequest {
            model_name: request.asks.0.to_owned(),
            model_version: request.asks.1.to_owned(),
            ..ModelInferRequest::default()
        };
        for Tensor { name, shape, datatype, values, is_shared } in &request.inputs {
            let mut input = InferInputTensor {
                name: (*name).to_owned(),
                datatype: (*datatype).to_owned(),
                shape: shape.clone(),
                ..InferInputTensor::default()
            };
            if *is_shared {
                let region = ParameterChoice::StringParam("r".to_owned());
                let region = InferParameter { parameter_choice: Some(region) };
                input.parameters.insert("shared_memory_region".to_owned(), region);
            }
            match self {
                Self::Typed => input.contents = Some(values.contents(datatype)?),
                Self::Raw => message.raw_input_contents.push(values.blob(datatype)?.into()),
                Self::Json | Self::Mixed | Self::Binary => return None,
            }
            message.inputs.push(input);
        }
        let output =
            |name: &&str| InferRequestedOutputTensor { name: (*name).to_owned(), ..Default::default() };
        message.outputs = request.outputs.iter().map(output).collect();
        matches!(self, Self::Typed | Self::Raw).then_some(message)
    }
}

fn received(response: &Response) -> Answer {
    let class = match response.status {
        200 => {
            let length = response.header("inference-header-content-length");
            let length = length.map_or(response.body.len(), |length| length.parse().unwrap());
            let (json, blobs) = response.body.split_at(length);
            let mut json: Value = serde_json::from_slice(json).unwrap();
            return Answer::Outputs(json["outputs"].take(), blobs.to_vec());
        }
        400 => Class::Invalid,
        404 => Class::NotFound,
        413 => Class::TooLarge,
        501 => Class::Unsupported,
        other => panic!("{other}: {}", String::from_utf8_lossy(&response.body)),
    };
    Answer::Refused(class, response.error(response.status))
}

fn answered(answer: Result<ModelInferResponse, Status>) -> Answer {
    match answer {
        Ok(ModelInferResponse { outputs, raw_output_contents, .. }) => {
            let mut raw = raw_output_contents.iter();
            let outputs = outputs.iter().map(|output| {
                let (field, value) = match (&output.contents, raw.next()) {
                    (Some(contents), None) => ("contents", contents.encode_to_vec()),
                    (None, Some(blob)) => ("raw", blob.to_vec()),
                    other => panic!("an output has either contents or bytes: {other:?}"),
                };
                json!({"name": output.name, "shape": output.shape, "datatype": output.datatype, field: value})
            });
            Answer::Outputs(outputs.collect(), vec![])
        }
        Err(status) => {
            let class = match status.code() {
                Code::InvalidArgument => Class::Invalid,
                Code::NotFound => Class::NotFound,
                Code::ResourceExhausted => Class::TooLarge,
                Code::Unimplemented => Class::Unsupported,
                _ => panic!("{status}"),
            };
            Answer::Refused(class, status.message().to_owned())
        }
    }
}
