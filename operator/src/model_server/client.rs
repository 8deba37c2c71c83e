//! A client for plain HTTP GET requests inside the cluster: probes of pods and Services, and `helm test`.

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
use serde::de::DeserializeOwned;

/// Default limit for the body of a response: more than any expected one.
const MAX_BYTES: usize = 1 << 20;

/// A request got no usable response.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to request {url}: it is not a URL")]
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
    #[error("failed to read the response of {url}")]
    Read {
        url: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{url} did not answer within {} s", limit.as_secs())]
    Timeout { url: String, limit: Duration },
    #[error("{url} answered {status}: {text}")]
    Status { url: String, status: StatusCode, text: String },
    #[error("failed to parse the response of {url}")]
    Parse {
        url: String,
        #[source]
        source: serde_json::Error,
    },
}

/// Sends GET requests, each on a new connection, so that a request to a Service reaches a current endpoint.
pub struct HttpClient {
    client: Client<HttpConnector, Body>,
    limit: Duration,
    max_bytes: usize,
}

/// The base URL of a port of the pod with this address, IPv4 or IPv6.
pub fn pod_url(ip: &str, port: u16) -> String {
    if ip.contains(':') { format!("http://[{ip}]:{port}") } else { format!("http://{ip}:{port}") }
}

impl HttpClient {
    /// A client that waits for a response for at most `limit`.
    pub fn new(limit: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { client, limit, max_bytes: MAX_BYTES }
    }

    /// The same client with another limit for the bytes of a body.
    pub fn taking_up_to(self, max_bytes: usize) -> Self {
        Self { max_bytes, ..self }
    }

    /// The body of a 2xx response.
    pub async fn get(&self, url: &str) -> Result<Bytes, Error> {
        tokio::time::timeout(self.limit, self.send(url))
            .await
            .map_err(|_elapsed| Error::Timeout { url: url.to_owned(), limit: self.limit })?
    }

    /// The body of a 2xx response, parsed as JSON.
    pub async fn json<T: DeserializeOwned>(&self, url: &str) -> Result<T, Error> {
        let body = self.get(url).await?;
        serde_json::from_slice(&body).map_err(|source| Error::Parse { url: url.to_owned(), source })
    }

    async fn send(&self, url: &str) -> Result<Bytes, Error> {
        let request = Request::get(url)
            .body(Body::empty())
            .map_err(|source| Error::Url { url: url.to_owned(), source })?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|source| Error::Connect { url: url.to_owned(), source })?;
        let status = response.status();
        let body = Limited::new(response.into_body(), self.max_bytes)
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
