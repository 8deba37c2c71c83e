//! The metrics port: metrics, health checks, and what the operator and other pods request.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Either;
use understudy_contract::paths;

use super::{
    connection::{Body, Handler},
    request_body::RequestBody,
    response::{HttpResponse, with_type},
    service::Service,
};
use crate::{error::Refusal, metrics::Metrics, observer::Observer};

/// Records in a response, without `?limit=`.
const DEFAULT_RECORDS: usize = 100;

/// What the health checks report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The model is loaded and warm.
    pub loaded: bool,
    /// What runs the model is ready.
    pub available: bool,
    /// SIGTERM arrived.
    pub draining: bool,
}

/// Handles the requests of the metrics port.
pub struct Probes {
    /// Knows whether the model is loaded, and has the observer of its calls.
    pub service: Arc<Service>,
    /// What `/metrics` shows.
    pub metrics: Arc<Metrics>,
}

impl Handler for Probes {
    async fn handle(&self, request: Request<RequestBody>) -> Response<Body> {
        self.respond(request).await.map(Either::Left)
    }
}

impl Probes {
    async fn respond(&self, request: Request<RequestBody>) -> HttpResponse {
        let Self { service, metrics } = self;
        let state = State {
            loaded: service.is_loaded(),
            available: service.is_available(),
            draining: service.is_draining(),
        };
        match (request.method(), request.uri().path(), service.observer()) {
            (&Method::POST, paths::OUTCOMES, _) => {
                service.outcomes(request, false).await.unwrap_or_else(|refusal| refusal.response())
            }
            (&Method::GET, paths::SUMMARY, Some(observer)) => {
                let summary = observer.summary().await;
                let summary = serde_json::to_vec(&*summary).expect("numbers and names are always JSON");
                with_type(summary.into(), "application/json")
            }
            (&Method::GET, paths::RECORDS, Some(observer)) => {
                let query = request.uri().query().unwrap_or_default();
                records(observer, query).unwrap_or_else(|refusal| refusal.response())
            }
            (method, path, observer) => {
                if path == paths::METRICS
                    && let Some(observer) = observer
                {
                    observer.update_gauges().await;
                }
                plain(method, path, state, metrics)
            }
        }
    }
}

/// The newest records as JSON lines, at most `?limit=`.
fn records(observer: &Observer, query: &str) -> Result<HttpResponse, Refusal> {
    let limit = query.split('&').find_map(|pair| pair.strip_prefix("limit="));
    let limit = limit.map_or(Ok(DEFAULT_RECORDS), |limit| {
        limit.parse().map_err(|_| Refusal::bad(format!("limit: `{limit}` is not a number of records")))
    })?;
    Ok(with_type(observer.records(limit)?.into(), "application/x-ndjson"))
}

fn plain(method: &Method, path: &str, state: State, metrics: &Metrics) -> HttpResponse {
    let (status, body) = match (method.as_str(), path) {
        ("GET" | "HEAD", paths::METRICS) => (StatusCode::OK, metrics.text().into()),
        ("GET" | "HEAD", paths::LIVEZ) => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", paths::STARTUPZ) if state.loaded => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", paths::READYZ) if state.loaded && state.available && !state.draining => {
            (StatusCode::OK, "ok".into())
        }
        ("GET" | "HEAD", paths::READYZ) if state.draining => {
            (StatusCode::SERVICE_UNAVAILABLE, "draining".into())
        }
        ("GET" | "HEAD", paths::READYZ) if state.loaded => {
            (StatusCode::SERVICE_UNAVAILABLE, "the image of spec.runtime is not ready".into())
        }
        ("GET" | "HEAD", paths::READYZ | paths::STARTUPZ) => {
            (StatusCode::SERVICE_UNAVAILABLE, "loading".into())
        }
        (_, paths::METRICS | paths::LIVEZ | paths::STARTUPZ | paths::READYZ) => {
            (StatusCode::METHOD_NOT_ALLOWED, Bytes::new())
        }
        _ => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    let mut response = with_type(body, "text/plain; version=0.0.4");
    *response.status_mut() = status;
    response
}
