//! The line to one challenger: its connections and its circuit breaker. Another challenger gets a new line, since open
//! connections lead to the pods of the old one, and its failures are not the new one's.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::breaker::Breaker;

/// Copies under way at once: as many connections at most.
pub(super) const MAX_IN_FLIGHT: usize = 64;
/// Per connection; 64 KiB times [`MAX_IN_FLIGHT`] is what answers can fill before they are counted.
const BUFFER: usize = 64 << 10;
/// A connection that was not used for this long is closed.
const IDLE: Duration = Duration::from_secs(30);

/// Connections and their circuit breaker.
#[derive(Debug)]
pub struct Upstream {
    pub(super) client: Client<HttpConnector, Full<Bytes>>,
    pub(super) breaker: Breaker,
}

impl Default for Upstream {
    /// No connection yet, and a closed circuit.
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
