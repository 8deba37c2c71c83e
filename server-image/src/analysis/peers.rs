//! Other pods of the same deployment, which may know the calls that are not known here.

use std::{net::SocketAddr, time::Duration};

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use understudy_contract::paths;

use super::outcomes::{Joined, Outcome};

/// How long a pod may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// More than any answer has.
const LARGEST: usize = 1 << 20;
/// More pods than this are not asked.
const MOST: usize = 256;

/// The way to them: a headless Service, and the metrics port.
#[derive(Debug)]
pub struct Peers {
    host: String,
    port: u16,
    client: Client<HttpConnector, Full<bytes::Bytes>>,
}

/// A pod that could not be asked.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Http(#[from] hyper_util::client::legacy::Error),
    #[error("{0}")]
    Body(Box<dyn std::error::Error + Send + Sync>),
    #[error("it answered {0}")]
    Status(StatusCode),
    #[error("its answer is not understood: {0}")]
    Json(#[from] serde_json::Error),
}

impl Peers {
    /// The pods behind `host`, each at `port`.
    #[must_use]
    pub fn new(host: String, port: u16) -> Self {
        // Asked seldom, and of pods that may be gone by then.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { host, port, client }
    }

    /// Tells one after the other what is still unknown. Gives how much they joined, and what nobody knows.
    pub async fn tell(&self, mut unknown: Vec<Outcome>) -> (u64, Vec<Outcome>) {
        let found = match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!("failed to resolve {}: {error}", self.host);
                return (0, unknown);
            }
        };
        let mut joined = 0;
        for address in found.take(MOST) {
            if unknown.is_empty() {
                break;
            }
            match tokio::time::timeout(PATIENCE, self.ask(address, &unknown)).await {
                Ok(Ok(answer)) => {
                    joined += answer.joined;
                    unknown.retain(|outcome| answer.unknown.contains(&outcome.id));
                }
                Ok(Err(error)) => tracing::warn!("failed to tell {address} of outcomes: {error}"),
                Err(_) => tracing::warn!("{address} did not answer within {} s", PATIENCE.as_secs()),
            }
        }
        (joined, unknown)
    }

    async fn ask(&self, address: SocketAddr, unknown: &[Outcome]) -> Result<Joined, Error> {
        let body = serde_json::json!({ "outcomes": unknown }).to_string();
        let request = Request::post(format!("http://{address}{}", paths::OUTCOMES))
            .body(Full::from(body))
            .expect("an address makes a URI");
        let answer = self.client.request(request).await?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(Error::Body)?;
        if status != StatusCode::OK {
            return Err(Error::Status(status));
        }
        Ok(serde_json::from_slice(&body.to_bytes())?)
    }
}
