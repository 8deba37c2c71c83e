//! HTTP endpoints of the operator: `/livez`, `/readyz` and `/metrics`.

use std::{net::Ipv6Addr, sync::Arc};

use axum::{Router, http::StatusCode, routing::get};
use tokio::{net::TcpListener, sync::watch};

use crate::metrics::Metrics;

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

/// Whether `/readyz` succeeds: from the first contact with the API server until the shutdown.
pub type Readiness = watch::Receiver<bool>;

/// Serves `/livez` and `/readyz` until `shutdown`.
pub async fn serve_health(
    port: u16,
    ready: Readiness,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let readyz = move || {
        let ready = *ready.borrow();
        async move { if ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") } }
    };
    let router = Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(readyz));
    serve(port, router, shutdown).await
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
