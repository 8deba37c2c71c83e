//! One plain HTTP GET inside the cluster: probes of pods and Services, and `helm test`.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode},
};
use http_body_util::{BodyExt, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// More than any answer that is expected here.
const MAX_BYTES: usize = 1 << 20;

/// No usable answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to ask {url}: it is no URL")]
    Url {
        url: String,
        #[source]
        source: axum::http::Error,
    },
    #[error("failed to reach {url}")]
    Connect {
        url: String,
        #[source]
        source: hyper_util::client::legacy::Error,
    },
    #[error("failed to read the answer of {url}")]
    Read {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{url} did not answer within {} s", limit.as_secs())]
    Timeout { url: String, limit: Duration },
    #[error("{url} answered {status}: {text}")]
    Status { url: String, status: StatusCode, text: String },
}

/// Asks, and keeps no connection: each question must find its own way.
pub struct Fetcher {
    client: Client<HttpConnector, Body>,
    limit: Duration,
}

impl Fetcher {
    /// Answers that take longer than `limit` do not count.
    pub fn new(limit: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { client, limit }
    }

    /// The body of a 2xx answer.
    pub async fn get(&self, url: &str) -> Result<Bytes, Error> {
        tokio::time::timeout(self.limit, self.ask(url))
            .await
            .map_err(|_elapsed| Error::Timeout { url: url.to_owned(), limit: self.limit })?
    }

    async fn ask(&self, url: &str) -> Result<Bytes, Error> {
        let request = Request::get(url)
            .body(Body::empty())
            .map_err(|source| Error::Url { url: url.to_owned(), source })?;
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|source| Error::Connect { url: url.to_owned(), source })?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MAX_BYTES)
            .collect()
            .await
            .map_err(|source| Error::Read { url: url.to_owned(), source })?
            .to_bytes();
        if status.is_success() {
            return Ok(body);
        }
        let text = String::from_utf8_lossy(&body).trim().to_owned();
        Err(Error::Status { url: url.to_owned(), status, text })
    }
}
