//! Answers the requests of the main and direct ports.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{body::BodyBudget, route::Route};
use crate::{
    analysis::outcomes,
    codec::compression::Coding,
    engine::{ApiKind, EncodedResponse, Engine, Work},
    error::Refusal,
    headers::{self, JSON_LENGTH, REQUEST_ID},
    metrics::Metrics,
    mirror::RawRequest,
    observer::{Interest, Observer},
    page,
};

/// What this server says it can do beyond the protocol's core.
const EXTENSIONS: [&str; 2] = ["binary_tensor_data", "statistics"];

/// Which port a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Behind the stable Service: calls are looked at.
    Main,
    /// Copies of calls to main, from its pods.
    Challenger,
    /// Behind the version's own Service.
    Direct,
}

/// An answer.
pub type HttpResponse = Response<Full<Bytes>>;

/// Everything that answering needs. The engine is there once the model is.
pub struct Service {
    deployment: String,
    version: String,
    engine: OnceLock<Loaded>,
    metrics: Arc<Metrics>,
    bodies: BodyBudget,
}

/// What is known once the model is loaded; the documents never change after that.
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
    /// A service that is not ready yet.
    #[must_use]
    pub fn new(deployment: &str, version: &str, metrics: Arc<Metrics>, max_body: usize) -> Self {
        let (deployment, version) = (deployment.to_owned(), version.to_owned());
        Self { deployment, version, engine: OnceLock::new(), metrics, bodies: BodyBudget::new(max_body) }
    }

    /// From here on it is ready.
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
        let (openapi, page) = (page::openapi(model).into(), page::form(model).into());
        let said = |text: &str| HeaderValue::from_str(text).expect("versions and digests are plain text");
        let (version, digest) = (said(&model.identity.version), said(&model.identity.digest));
        let loaded = Loaded { engine, observer, version, digest, metadata, openapi, page };
        assert!(self.engine.set(loaded).is_ok(), "a model is loaded once");
    }

    /// Whether the model is loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.engine.get().is_some()
    }

    /// Whoever looks at calls, once the model is loaded.
    #[must_use]
    pub fn observer(&self) -> Option<&Observer> {
        self.engine.get().map(|loaded| &loaded.observer)
    }

    /// Answers one request.
    pub async fn answer(&self, listener: Listener, request: Request<Incoming>) -> HttpResponse {
        let route = Route::find(request.method(), request.uri().path(), &self.deployment, &self.version);
        let answer = match route {
            Ok(route) => self.routed(listener, route, request).await,
            Err(refusal) => Err(refusal),
        };
        answer.unwrap_or_else(|refusal| refusal.response())
    }

    async fn routed(
        &self,
        listener: Listener,
        route: Route,
        request: Request<Incoming>,
    ) -> Result<HttpResponse, Refusal> {
        let loaded = self.engine.get();
        match route {
            Route::Live => return Ok(document(&json!({"live": true}))),
            Route::Ready => {
                let mut answer = document(&json!({"live": true, "ready": loaded.is_some()}));
                if loaded.is_none() {
                    *answer.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
                }
                return Ok(answer);
            }
            Route::Server => return Ok(document(&server())),
            Route::Models => return Ok(document(&json!({"models": [self.deployment]}))),
            Route::Statistics => {
                let stats = self.metrics.statistics(&self.deployment, &self.version);
                return Ok(document(&json!({"model_stats": [stats]})));
            }
            _ => {}
        }
        let loaded = loaded.ok_or(Refusal::NotReady("the model is still being loaded"))?;
        match route {
            Route::ModelReady => Ok(document(&json!({"name": self.deployment, "ready": true}))),
            Route::Model => Ok(with_type(loaded.metadata.clone(), "application/json")),
            Route::OpenApi => Ok(with_type(loaded.openapi.clone(), "application/json")),
            Route::Page => Ok(page(loaded.page.clone())),
            Route::Infer => self.infer(loaded, listener, ApiKind::Infer, request).await,
            Route::Predict => self.infer(loaded, listener, ApiKind::Predict, request).await,
            Route::Outcomes => self.outcomes(request, true).await,
            _ => {
                let response = loaded.engine.answer(Work::probe()).await.response?;
                Ok(with_type(response.body.into(), "application/json"))
            }
        }
    }

    /// Takes what turned out to be true of calls. With `far`, calls of other pods count as well.
    pub async fn outcomes(&self, request: Request<Incoming>, far: bool) -> Result<HttpResponse, Refusal> {
        let observer = self.observer().ok_or(Refusal::NotReady("the model is still being loaded"))?;
        let (body, _reservation) = self.bodies.read(request.into_body()).await?;
        let joined = observer.join(outcomes::read(&body)?, far).await?;
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
        let request = interest.as_ref().filter(|interest| interest.wants_request());
        let request = request.map(|_| RawRequest { kind, body: body.clone(), json_length, coding });
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
        let mut completion = loaded.engine.answer(work).await;
        let id = interest.and_then(|interest| {
            let tells = interest.tells_id();
            let id = loaded.observer.offer(interest, &mut completion, given, request);
            tells.then(|| HeaderValue::from_str(&id).ok()).flatten()
        });
        let mut answer = match completion.response {
            Ok(response) => prediction(response),
            Err(refusal) => refusal.response(),
        };
        let fields = answer.headers_mut();
        if let Some(id) = id {
            fields.insert(REQUEST_ID, id);
        }
        if listener == Listener::Challenger {
            fields.insert(headers::VERSION, loaded.version.clone());
            fields.insert(headers::DIGEST, loaded.digest.clone());
            headers::set_latency(fields, completion.latency);
        }
        Ok(answer)
    }
}

fn prediction(response: EncodedResponse) -> HttpResponse {
    let kind = if response.json_length.is_some() { "application/octet-stream" } else { "application/json" };
    let mut answer = with_type(response.body.into(), kind);
    if let Some(length) = response.json_length {
        answer.headers_mut().insert(JSON_LENGTH, HeaderValue::from(length));
    }
    if let Some(coding) = response.coding {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    answer
}

fn server() -> Value {
    json!({"name": "understudy", "version": env!("CARGO_PKG_VERSION"), "extensions": EXTENSIONS})
}

fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let Some(value) = headers.get(JSON_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    length.map(Some).ok_or_else(|| Refusal::bad("Inference-Header-Content-Length is no number of bytes"))
}

fn document(json: &Value) -> HttpResponse {
    with_type(json.to_string().into(), "application/json")
}

/// The page runs its own script and talks to its own server, whatever names the model brings along.
fn page(html: Bytes) -> HttpResponse {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                          connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let mut answer = with_type(html, "text/html; charset=utf-8");
    answer.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    answer
}

fn with_type(body: Bytes, kind: &'static str) -> HttpResponse {
    let mut answer = Response::new(Full::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}
