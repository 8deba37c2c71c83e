//! The metrics port: what Prometheus and the kubelet ask.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::metrics::Metrics;

/// What the probes report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The model answered its warm-up.
    pub loaded: bool,
    /// SIGTERM came.
    pub draining: bool,
}

/// Answers a request to the metrics port.
#[must_use]
pub fn answer(method: &Method, path: &str, state: State, metrics: &Metrics) -> Response<Full<Bytes>> {
    let (status, body) = match (method.as_str(), path) {
        ("GET" | "HEAD", "/metrics") => (StatusCode::OK, metrics.text().into()),
        ("GET" | "HEAD", "/livez") => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", "/startupz") if state.loaded => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", "/readyz") if state.loaded && !state.draining => (StatusCode::OK, "ok".into()),
        ("GET" | "HEAD", "/readyz") if state.draining => (StatusCode::SERVICE_UNAVAILABLE, "draining".into()),
        ("GET" | "HEAD", "/readyz" | "/startupz") => (StatusCode::SERVICE_UNAVAILABLE, "loading".into()),
        (_, "/metrics" | "/livez" | "/startupz" | "/readyz") => {
            (StatusCode::METHOD_NOT_ALLOWED, Bytes::new())
        }
        _ => (StatusCode::NOT_FOUND, Bytes::new()),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    response
}
