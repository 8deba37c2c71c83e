//! Handles the requests of the three inference ports.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{ACCEPT_ENCODING, CONTENT_ENCODING},
};
use serde_json::{Value, json};

use super::{
    body::BodyBudget,
    calls::{Answer, Calls, Listener},
    describe,
    pages::Pages,
    request_body::RequestBody,
    response::{HttpResponse, document, with_type},
    route::Route,
    unsent::Unsent,
};
use crate::{
    codec::compression::Coding,
    engine::{Engine, Work},
    error::Refusal,
    exchange::{Api, EncodedResponse, Message},
    headers::JSON_LENGTH,
    metrics::Metrics,
    observer::Observer,
    proto::{ModelStatistics, repository_index_response::ModelIndex},
};

/// The refusal to load and unload models.
pub const READ_ONLY: &str =
    "this server serves one version of one model; publish another one as a ModelVersion";
/// The refusal until the model is loaded.
pub const LOADING: Refusal = Refusal::NotReady("the model is still being loaded");

/// Handles requests. Before the model is loaded, only health, server metadata and statistics are available.
pub struct Service {
    deployment: String,
    version: String,
    loaded: OnceLock<Loaded>,
    draining: AtomicBool,
    /// Whether the program that runs the model is ready. The built-in engine always is.
    available: AtomicBool,
    metrics: Arc<Metrics>,
    bodies: BodyBudget,
    unsent: Unsent,
}

/// What exists once the model is loaded. The documents never change.
struct Loaded {
    calls: Calls,
    metadata: Bytes,
    config: Bytes,
    pages: Pages,
}

impl Service {
    /// A service without a model. `max_body` is the largest body, and `memory` what the process may allocate, in bytes.
    #[must_use]
    pub fn new(
        deployment: &str,
        version: &str,
        metrics: Arc<Metrics>,
        max_body: usize,
        memory: Option<u64>,
    ) -> Self {
        let (deployment, version) = (deployment.to_owned(), version.to_owned());
        let (loaded, draining) = (OnceLock::new(), AtomicBool::new(false));
        let available = AtomicBool::new(true);
        Self {
            deployment,
            version,
            loaded,
            draining,
            available,
            metrics,
            bodies: BodyBudget::new(max_body),
            unsent: Unsent::new(memory),
        }
    }

    /// Adds the model and its pages. The service is ready afterwards. May be called once.
    pub fn load(&self, engine: Engine, observer: Observer, pages: Pages) {
        let model = engine.model();
        let metadata = describe::metadata(&self.deployment, &self.version, &model.signature);
        let config = describe::config(&self.deployment, &model.signature);
        let (metadata, config) = (metadata.to_string().into(), json!(config).to_string().into());
        let loaded = Loaded { calls: Calls::new(engine, observer), metadata, config, pages };
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
        self.loaded.get().map(|loaded| loaded.calls.observer())
    }

    /// Inference calls. `None` until the model is loaded.
    #[must_use]
    pub fn calls(&self) -> Option<&Calls> {
        self.loaded.get().map(|loaded| &loaded.calls)
    }

    /// The memory for bodies.
    #[must_use]
    pub fn bodies(&self) -> &BodyBudget {
        &self.bodies
    }

    /// The memory for responses that are not sent yet.
    #[must_use]
    pub fn unsent(&self) -> &Unsent {
        &self.unsent
    }

    /// Name and version of the served model.
    #[must_use]
    pub fn served(&self) -> (&str, &str) {
        (&self.deployment, &self.version)
    }

    /// Triton's statistics.
    #[must_use]
    pub fn statistics(&self) -> ModelStatistics {
        self.metrics.statistics(&self.deployment, &self.version)
    }

    /// Triton's index of the model repository.
    #[must_use]
    pub fn index(&self, only_ready: bool) -> Vec<ModelIndex> {
        describe::index(only_ready, &self.deployment, &self.version, self.is_loaded())
    }

    /// Whether callers should send requests: the model is loaded, what runs it is ready, and the server is not draining.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.is_loaded() && self.is_available() && !self.is_draining()
    }

    /// Whether the program that runs the model is ready, if the built-in engine does not run it.
    pub fn set_available(&self, available: bool) {
        self.available.store(available, Relaxed);
    }

    /// Whether what runs the model is ready.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.available.load(Relaxed)
    }

    /// From now on the server is not ready. It handles requests as before.
    pub fn begin_draining(&self) {
        self.draining.store(true, Relaxed);
    }

    /// Whether SIGTERM arrived.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// Handles one request.
    pub async fn handle(&self, listener: Listener, request: Request<RequestBody>) -> HttpResponse {
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
        request: Request<RequestBody>,
    ) -> Result<HttpResponse, Refusal> {
        let loaded = self.loaded.get();
        let ready = self.is_ready();
        match route {
            Route::Live => return Ok(document(&json!({"live": true}))),
            Route::Ready => return Ok(readiness(&json!({"live": true, "ready": ready}), ready)),
            Route::ModelReady => {
                return Ok(readiness(&json!({"name": self.deployment, "ready": ready}), ready));
            }
            Route::Server => return Ok(document(&describe::server())),
            Route::Models => return Ok(document(&json!({"models": [self.deployment]}))),
            Route::Statistics => {
                return Ok(document(&json!({"model_stats": [self.statistics()]})));
            }
            Route::Index => {
                let (body, _reservation) = self.bodies.read(request.into_body()).await?;
                return Ok(document(&json!(self.index(describe::only_ready(&body)?))));
            }
            Route::Repository => return Err(Refusal::Unsupported(READ_ONLY.to_owned())),
            _ => {}
        }
        let loaded = loaded.ok_or(LOADING)?;
        match route {
            Route::Config => Ok(with_type(loaded.config.clone(), "application/json")),
            Route::Model => Ok(with_type(loaded.metadata.clone(), "application/json")),
            Route::Page(page) => Ok(loaded.pages.respond(page, request.headers())),
            Route::Infer => self.infer(&loaded.calls, listener, Api::Infer, request).await,
            Route::GrpcCopy if listener != Listener::Challenger => {
                Err(Refusal::bad("gRPC needs HTTP/2 and the content type application/grpc"))
            }
            Route::GrpcCopy => self.infer(&loaded.calls, listener, Api::Grpc, request).await,
            Route::Predict => self.infer(&loaded.calls, listener, Api::Predict, request).await,
            Route::Outcomes => self.outcomes(request, true).await,
            _ => {
                let response = loaded.calls.engine().run(Work::probe()).await.response?;
                Ok(with_type(response.body.into(), "application/json"))
            }
        }
    }

    /// Joins the outcomes in the body to their calls. With `everywhere`, also to calls of other pods.
    pub async fn outcomes(
        &self,
        request: Request<RequestBody>,
        everywhere: bool,
    ) -> Result<HttpResponse, Refusal> {
        let observer = self.observer().ok_or(LOADING)?;
        let (body, _reservation) = self.bodies.read(request.into_body()).await?;
        let joined = observer.join_outcomes(&body, everywhere).await?;
        Ok(document(&json!(joined)))
    }

    async fn infer(
        &self,
        calls: &Calls,
        listener: Listener,
        api: Api,
        request: Request<RequestBody>,
    ) -> Result<HttpResponse, Refusal> {
        let fields = request.headers();
        let json_length = json_length(fields)?;
        let coding = match fields.get(CONTENT_ENCODING) {
            Some(coding) => Coding::of_body(coding.to_str().unwrap_or("?"))?,
            None => None,
        };
        let accepts = fields.get(ACCEPT_ENCODING).and_then(|value| Coding::accepted(value.to_str().ok()?));
        let arrival = calls.arrive(listener, fields);
        let (body, reservation) = self.bodies.read(request.into_body()).await?;
        let is_copy = listener == Listener::Challenger;
        let message = Message { api, body, json_length, coding, accepts, timeout: None, is_copy };
        let Answer { response, headers } = calls.answer(arrival, message, reservation).await;
        let mut response = response
            .and_then(|encoded| self.prediction(encoded))
            .unwrap_or_else(|refusal| refusal.response());
        response.headers_mut().extend(headers);
        Ok(response)
    }

    fn prediction(&self, encoded: EncodedResponse) -> Result<HttpResponse, Refusal> {
        let binary = encoded.json_length.is_some();
        let content_type = if binary { "application/octet-stream" } else { "application/json" };
        let mut response = with_type(self.unsent.hold(encoded.body)?, content_type);
        if let Some(length) = encoded.json_length {
            response.headers_mut().insert(JSON_LENGTH, HeaderValue::from(length));
        }
        if let Some(coding) = encoded.coding {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        Ok(response)
    }
}

/// A JSON document about readiness.
fn readiness(json: &Value, ready: bool) -> HttpResponse {
    let mut response = document(json);
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

fn json_length(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let Some(value) = headers.get(JSON_LENGTH) else { return Ok(None) };
    let length = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    length.map(Some).ok_or_else(|| Refusal::bad("Inference-Header-Content-Length is not a number of bytes"))
}
