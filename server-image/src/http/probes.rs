//! The metrics port: what Prometheus, the kubelet, the operator and other pods ask.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::body::Incoming;
use understudy_contract::paths;

use super::service::{HttpResponse, Service};
use crate::{error::Refusal, metrics::Metrics, observer::Observer};

/// Records that are shown where nobody says how many.
const RECORDS: usize = 100;

/// What the probes report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The model answered its warm-up.
    pub loaded: bool,
    /// SIGTERM came.
    pub draining: bool,
}

/// Answers a request to the metrics port.
pub async fn answer(
    request: Request<Incoming>,
    draining: bool,
    service: Arc<Service>,
    metrics: Arc<Metrics>,
) -> HttpResponse {
    let state = State { loaded: service.is_loaded(), draining };
    match (request.method(), request.uri().path(), service.observer()) {
        (&Method::POST, paths::OUTCOMES, _) => {
            service.outcomes(request, false).await.unwrap_or_else(|refusal| refusal.response())
        }
        (&Method::GET, paths::SUMMARY, Some(observer)) => {
            let summary = serde_json::to_vec(&observer.summary()).expect("numbers and names are JSON");
            with_type(StatusCode::OK, summary.into(), "application/json")
        }
        (&Method::GET, paths::RECORDS, Some(observer)) => {
            records(observer, request.uri().query().unwrap_or_default())
        }
        (method, path, observer) => {
            if path == paths::METRICS
                && let Some(observer) = observer
            {
                observer.show();
            }
            plain(method, path, state, &metrics)
        }
    }
}

/// The newest records: `?limit=`, a hundred where it is not said.
fn records(observer: &Observer, query: &str) -> HttpResponse {
    let limit = query.split('&').find_map(|pair| pair.strip_prefix("limit="));
    let Ok(limit) = limit.map_or(Ok(RECORDS), str::parse) else {
        return Refusal::bad("limit is no number of records").response();
    };
    match observer.records(limit) {
        Some(lines) => with_type(StatusCode::OK, lines.into(), "application/x-ndjson"),
        None => Refusal::NotFound(
            "nothing is recorded here: set spec.recording of the ModelDeployment".to_owned(),
        )
        .response(),
    }
}

fn plain(method: &Method, path: &str, state: State, metrics: &Metrics) -> HttpResponse {
    let (status, body) = match (method.as_str(), path) {
        ("GET" | "HEAD", paths::METRICS) => (StatusCode::OK, metrics.text().into()),
        ("GET" | "HEAD", paths::LIVEZ) => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", paths::STARTUPZ) if state.loaded => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", paths::READYZ) if state.loaded && !state.draining => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", paths::READYZ) if state.draining => {
            (StatusCode::SERVICE_UNAVAILABLE, "draining".into())
        }
        ("GET" | "HEAD", paths::READYZ | paths::STARTUPZ) => {
            (StatusCode::SERVICE_UNAVAILABLE, "loading".into())
        }
        (_, paths::METRICS | paths::LIVEZ | paths::STARTUPZ | paths::READYZ) => {
            (StatusCode::METHOD_NOT_ALLOWED, Bytes::new())
        }
        _ => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    with_type(status, body, "text/plain; version=0.0.4")
}

fn with_type(status: StatusCode, body: Bytes, kind: &'static str) -> HttpResponse {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
