//! Connections and circuit breaker of one challenger.
//!
//! Another challenger gets a new upstream: the open connections lead to pods of the old challenger, and its failures do
//! not count for the new one.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::breaker::Breaker;

/// Copies in flight, and so connections.
pub(super) const MAX_IN_FLIGHT: usize = 64;
/// Buffer of a connection in bytes. Responses fill at most [`MAX_IN_FLIGHT`] buffers before the budget counts them.
const BUFFER: usize = 64 << 10;
/// An idle connection is closed after this time.
const IDLE: Duration = Duration::from_secs(30);

/// Connections and circuit breaker.
#[derive(Debug)]
pub struct Upstream {
    /// The connections.
    pub(super) client: Client<HttpConnector, Full<Bytes>>,
    /// The circuit breaker.
    pub(super) breaker: Breaker,
}

impl Default for Upstream {
    /// No connection, and a closed circuit.
    fn default() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MAX_IN_FLIGHT)
            .http1_max_buf_size(BUFFER)
            .build(connector);
        Self { client, breaker: Breaker::new(Instant::now()) }
    }
}
