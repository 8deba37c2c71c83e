//! A call in the form of its transport: its bytes become tensors, and outputs become bytes. A new transport or format is one
//! more [`Api`], with its own reader and writer.

use std::time::Duration;

use bytes::Bytes;

pub use crate::api::Api;
use crate::{
    codec::{InferRequest, compression::Coding, grpc, message_bounds, predict, response::InferResponse},
    error::Refusal,
    model::Model,
    output::Output,
    tensor::Tensor,
};

/// A request whose body has arrived.
#[derive(Debug, Clone)]
pub struct Message {
    /// The API.
    pub api: Api,
    /// The body.
    pub body: Bytes,
    /// `Inference-Header-Content-Length`, in bytes.
    pub json_length: Option<usize>,
    /// Compression of the body.
    pub coding: Option<Coding>,
    /// Compression that the caller accepts.
    pub accepts: Option<Coding>,
    /// For how long the caller waits, if the transport says it. The body may say it, too.
    pub timeout: Option<Duration>,
    /// Whether this is a copy of a call to main. Then all outputs are encoded as binary tensors, and nobody waits for them.
    pub is_copy: bool,
}

/// A response, encoded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct EncodedResponse {
    /// The body.
    pub body: Vec<u8>,
    /// Length of its JSON in bytes, before compression, if binary tensors follow.
    pub json_length: Option<usize>,
    /// Compression of the body.
    pub coding: Option<Coding>,
}

/// A request that fits the model.
#[derive(Debug)]
pub struct Decoded {
    request: InferRequest,
    /// Records of a request to `/predict`.
    records: usize,
}

impl Decoded {
    /// One tensor for each input of the model.
    #[must_use]
    pub fn inputs(&self) -> &[Tensor] {
        &self.request.inputs
    }

    /// The inputs, after which the request has none.
    pub fn take_inputs(&mut self) -> Vec<Tensor> {
        std::mem::take(&mut self.request.inputs)
    }

    /// The id in the body.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.request.id.as_deref()
    }

    /// For how long the caller waits.
    #[must_use]
    pub fn timeout(&self) -> Option<Duration> {
        self.request.timeout
    }
}

impl Message {
    /// The operator's probe.
    #[must_use]
    pub fn probe() -> Self {
        Self {
            api: Api::Probe,
            body: Bytes::new(),
            json_length: None,
            coding: None,
            accepts: None,
            timeout: None,
            is_copy: false,
        }
    }

    /// Reads the tensors from the body, which may have at most `max_body` bytes after decompression.
    pub fn decode(&self, model: &Model, max_body: usize) -> Result<Decoded, Refusal> {
        let body = self.plain(max_body)?;
        let (request, records) = match self.api {
            Api::Infer => (InferRequest::read(&body, self.json_length, &model.signature)?, 0),
            Api::Predict => predict::read(&body, &model.signature, model.features.as_deref())?,
            Api::Grpc => (self.grpc(body, model)?, 0),
            Api::Probe => {
                let inputs = model.probe_inputs.clone();
                (InferRequest { inputs, ..InferRequest::for_all(&model.signature) }, 0)
            }
        };
        Ok(Decoded { request, records })
    }

    fn grpc(&self, body: Bytes, model: &Model) -> Result<InferRequest, Refusal> {
        let message = grpc::decode(body, &model.signature)?;
        // A copy names main's version.
        if !self.is_copy {
            let asked = (named(&message.model_name), named(&message.model_version));
            served((&model.deployment, &model.identity.version), asked)?;
        }
        grpc::read(message, &model.signature)
    }

    /// The id in a body that [`Self::decode`] refuses. `None` if it stands after the error.
    #[must_use]
    pub fn id(&self, max_body: usize) -> Option<String> {
        match self.api {
            Api::Infer => InferRequest::id_of(&self.plain(max_body).ok()?, self.json_length),
            Api::Grpc => message_bounds::id_of(&self.plain(max_body).ok()?),
            Api::Predict | Api::Probe => None,
        }
    }

    /// Writes the response to a decoded request, whose run took `ran`. `outputs` are all outputs of the model.
    pub fn encode(
        &self,
        decoded: &Decoded,
        model: &Model,
        outputs: &[Output],
        ran: Duration,
    ) -> Result<EncodedResponse, Refusal> {
        let Model { signature, templates, .. } = model;
        let InferResponse { body, json_length } = match self.api {
            Api::Infer | Api::Predict | Api::Grpc if self.is_copy => {
                templates.response(&InferRequest::for_all(signature), signature, outputs)?
            }
            Api::Infer => templates.response(&decoded.request, signature, outputs)?,
            Api::Predict => predict::response(decoded.records, signature, outputs)?.into(),
            Api::Grpc => {
                let (name, version) = (&model.deployment, &model.identity.version);
                grpc::response(name, version, &decoded.request, signature, outputs)?.into()
            }
            Api::Probe => model.probe_answer(ran).into(),
        };
        let compressed = self.accepts.and_then(|coding| Some((coding.compress(&body)?, coding)));
        Ok(match compressed {
            Some((body, coding)) => EncodedResponse { body, json_length, coding: Some(coding) },
            None => EncodedResponse { body, json_length, coding: None },
        })
    }

    fn plain(&self, max_body: usize) -> Result<Bytes, Refusal> {
        match self.coding {
            Some(coding) => coding.decompress(&self.body, max_body).map(Bytes::from),
            None => Ok(self.body.clone()),
        }
    }
}

/// A field of a message. An empty one is absent.
#[must_use]
pub fn named(field: &str) -> Option<&str> {
    Some(field).filter(|field| !field.is_empty())
}

/// Refuses another model or version than the served ones. A caller need not name them.
pub fn served(
    (model, version): (&str, &str),
    (name, asked): (Option<&str>, Option<&str>),
) -> Result<(), Refusal> {
    if let Some(name) = name.filter(|name| *name != model) {
        return Err(Refusal::NotFound(format!("unknown model `{name}`; this server serves `{model}`")));
    }
    if let Some(asked) = asked.filter(|asked| *asked != version) {
        return Err(Refusal::NotFound(format!(
            "unknown version `{asked}` of the model `{model}`; this server serves {version}"
        )));
    }
    Ok(())
}

/// Copies of all outputs, in the order of the signature.
#[must_use]
pub fn tensors(outputs: &[Output]) -> Vec<Tensor> {
    outputs.iter().map(Output::to_tensor).collect()
}
