//! Handles the requests of the three inference ports.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING},
};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{
    body::BodyBudget,
    response::{HttpResponse, document, page, with_type},
    route::Route,
};
use crate::{
    analysis::outcomes,
    codec::compression::Coding,
    engine::{ApiKind, EncodedResponse, Engine, Work},
    error::Refusal,
    headers::{self, JSON_LENGTH, REQUEST_ID},
    metrics::Metrics,
    mirror::RawRequest,
    observer::{Interest, Observer},
    page::{form, openapi},
};

/// Extensions of the protocol that this server supports.
const EXTENSIONS: [&str; 2] = ["binary_tensor_data", "statistics"];

const LOADING: Refusal = Refusal::NotReady("the model is still being loaded");

/// A port that the server accepts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Behind the stable Service. Its calls are observed.
    Main,
    /// For copies of main's calls, sent by main's pods.
    Challenger,
    /// Behind the version's own Service.
    Direct,
}

/// Handles requests. Before the model is loaded, only health, server metadata and statistics are available.
pub struct Service {
    deployment: String,
    version: String,
    loaded: OnceLock<Loaded>,
    metrics: Arc<Metrics>,
    bodies: BodyBudget,
}

/// What exists once the model is loaded. The documents never change.
struct Loaded {
    engine: Engine,
    observer: Observer,
    version: HeaderValue,
    digest: HeaderValue,
    metadata: Bytes,
    openapi: Bytes,
    page: Bytes,
}

impl Service {
    /// A service without a model. `max_body` is the largest body in bytes.
    #[must_use]
    pub fn new(deployment: &str, version: &str, metrics: Arc<Metrics>, max_body: usize) -> Self {
        let (deployment, version) = (deployment.to_owned(), version.to_owned());
        Self { deployment, version, loaded: OnceLock::new(), metrics, bodies: BodyBudget::new(max_body) }
    }

    /// Adds the model. The service is ready afterwards. May be called once.
    pub fn load(&self, engine: Engine, observer: Observer) {
        let model = engine.model();
        let metadata = json!({
            "name": self.deployment,
            "versions": [self.version],
            "platform": "onnx_onnxv1",
            "inputs": model.signature.inputs,
            "outputs": model.signature.outputs,
        });
        let metadata = metadata.to_string().into();
        let (openapi, page) = (openapi(model).into(), form(model).into());
        let header = |text: &str| HeaderValue::from_str(text).expect("versions and digests are ASCII");
        let (version, digest) = (header(&model.identity.version), header(&model.identity.digest));
        let loaded = Loaded { engine, observer, version, digest, metadata, openapi, page };
        assert!(self.loaded.set(loaded).is_ok(), "a model is loaded once");
    }

    /// Whether the model is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded.get().is_some()
    }

    /// The observer of calls. `None` until the model is loaded.
    #[must_use]
    pub fn observer(&self) -> Option<&Observer> {
        self.loaded.get().map(|loaded| &loaded.observer)
    }

    /// Handles one request.
    pub async fn handle(&self, listener: Listener, request: Request<Incoming>) -> HttpResponse {
        let route = Route::find(request.method(), request.uri().path(), &self.deployment, &self.version);
        let response = match route {
            Ok(route) => self.handle_route(listener, route, request).await,
            Err(refusal) => Err(refusal),
        };
        response.unwrap_or_else(|refusal| refusal.response())
    }

    async fn handle_route(
        &self,
        listener: Listener,
        route: Route,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, Refusal> {
        let loaded = self.loaded.get();
        match route {
            Route::Live => return Ok(document(&json!({"live": true}))),
            Route::Ready => {
                let mut response = document(&json!({"live": true, "ready": loaded.is_some()}));
                if loaded.is_none() {
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                }
                return Ok(response);
            }
            Route::Server => return Ok(document(&server())),
            Route::Models => return Ok(document(&json!({"models": [self.deployment]}))),
            Route::Statistics => {
                let stats = self.metrics.statistics(&self.deployment, &self.version);
                return Ok(document(&json!({"model_stats": [stats]})));
            }
            _ => {}
        }
        let loaded = loaded.ok_or(LOADING)?;
        match route {
            Route::ModelReady => Ok(document(&json!({"name": self.deployment, "ready": true}))),
            Route::Model => Ok(with_type(loaded.metadata.clone(), "application/json")),
            Route::OpenApi => Ok(with_type(loaded.openapi.clone(), "application/json")),
            Route::Page => Ok(page(loaded.page.clone())),
            Route::Infer => self.infer(loaded, listener, ApiKind::Infer, request).await,
            Route::Predict => self.infer(loaded, listener, ApiKind::Predict, request).await,
            Route::Outcomes => self.outcomes(request, true).await,
            _ => {
                let response = loaded.engine.run(Work::probe()).await.response?;
                Ok(with_type(response.body.into(), "application/json"))
            }
        }
    }

    /// Joins the outcomes in the body to their calls. With `everywhere`, also to calls of other pods.
    pub async fn outcomes(
        &self,
        request: Request<Incoming>,
        everywhere: bool,
    ) -> Result<HttpResponse, Refusal> {
        let observer = self.observer().ok_or(LOADING)?;
        let (body, _reservation) = self.bodies.read(request.into_body()).await?;
        let joined = observer.join_outcomes(outcomes::read(&body)?, everywhere).await?;
        Ok(document(&json!(joined)))
    }

    async fn infer(
        &self,
        loaded: &Loaded,
        listener: Listener,
        kind: ApiKind,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, Refusal> {
        let fields = request.headers();
        let json_length = json_length(fields)?;
        let coding = match fields.get(CONTENT_ENCODING) {
            Some(coding) => Coding::of_body(coding.to_str().unwrap_or("?"))?,
            None => None,
        };
        let accepts = fields.get(ACCEPT_ENCODING).and_then(|value| Coding::accepted(value.to_str().ok()?));
        let interest = if listener == Listener::Main { loaded.observer.interest() } else { None };
        let given = interest.as_ref().and_then(|_| fields.get(REQUEST_ID)?.to_str().ok().map(str::to_owned));
        let (body, reservation) = self.bodies.read(request.into_body()).await?;
        let copied = interest.as_ref().filter(|interest| interest.wants_request());
        let raw = copied.map(|_| RawRequest { kind, body: body.clone(), json_length, coding });
        let work = Work {
            kind,
            body,
            json_length,
            coding,
            accepts,
            reservation,
            traced: interest.as_ref().is_some_and(Interest::wants_tensors),
            is_copy: listener == Listener::Challenger,
        };
        let mut completion = loaded.engine.run(work).await;
        let id = interest.and_then(|interest| {
            let returned = interest.returns_id();
            let id = loaded.observer.offer(interest, &mut completion, given, raw);
            returned.then(|| HeaderValue::from_str(&id).ok()).flatten()
        });
        let mut response = match completion.response {
            Ok(response) => prediction(response),
            Err(refusal) => refusal.response(),
        };
        let fields = response.headers_mut();
        if let Some(id) = id {
            fields.insert(REQUEST_ID, id);
        }
        if listener == Listener::Challenger {
            fields.insert(headers::VERSION, loaded.version.clone());
            fields.insert(headers::DIGEST, loaded.digest.clone());
            headers::set_latency(fields, completion.latency);
        }
        Ok(response)
    }
}

fn prediction(encoded: EncodedResponse) -> HttpResponse {
    let binary = encoded.json_length.is_some();
    let content_type = if binary { "application/octet-stream" } else { "application/json" };
    let mut response = with_type(encoded.body.into(), content_type);
    if let Some(length) = encoded.json_length {
        response.headers_mut().insert(JSON_LENGTH, HeaderValue::from(length));
    }
    if let Some(coding) = encoded.coding {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    response
}

fn server() -> Value {
    json!({"name": "understudy", "version": env!("CARGO_PKG_VERSION"), "extensions": EXTENSIONS})
}

fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let Some(value) = headers.get(JSON_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    length.map(Some).ok_or_else(|| Refusal::bad("Inference-Header-Content-Length is not a number of bytes"))
}
