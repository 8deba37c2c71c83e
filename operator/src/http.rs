//! HTTP endpoints of the operator: `/livez`, `/readyz` and `/metrics`.

use std::{net::Ipv6Addr, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use tokio::net::TcpListener;

use crate::{health::Health, metrics::Metrics};

/// An endpoint could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to listen on port {port}")]
    Listen {
        port: u16,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to serve port {port}")]
    Serve {
        port: u16,
        #[source]
        source: std::io::Error,
    },
}

/// Serves `/livez` and `/readyz` until `shutdown`. A failure says why.
pub async fn serve_health(
    port: u16,
    health: Health,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let live = health.clone();
    let livez = move || async move { answer(live.not_live()) };
    let readyz = move || async move { answer(health.not_ready()) };
    let router = Router::new().route("/livez", get(livez)).route("/readyz", get(readyz));
    serve(port, router, shutdown).await
}

fn answer(problem: Option<String>) -> (StatusCode, String) {
    problem.map_or((StatusCode::OK, "ok".to_owned()), |problem| (StatusCode::SERVICE_UNAVAILABLE, problem))
}

/// Serves `/metrics` until `shutdown`.
pub async fn serve_metrics(
    port: u16,
    metrics: Arc<Metrics>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let router = Router::new().route("/metrics", get(move || async move { metrics.render() }));
    serve(port, router, shutdown).await
}

async fn serve(
    port: u16,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    // The IPv6 wildcard address also accepts IPv4 connections. Nodes without IPv6 need the IPv4 one.
    let listener = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Ok(listener) => listener,
        Err(_) => {
            TcpListener::bind(("0.0.0.0", port)).await.map_err(|source| Error::Listen { port, source })?
        }
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
        .map_err(|source| Error::Serve { port, source })
}
