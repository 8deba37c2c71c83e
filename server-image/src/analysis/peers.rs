//! The other pods of the deployment. They may remember calls that this pod does not.

use std::{error::Error as StdError, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector},
    rt::TokioExecutor,
};
use understudy_contract::paths;

use super::outcomes::{Joined, Outcome};

/// Time for one pod to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Largest answer in bytes. A list of 1,000 ids has at most 256 KB.
const MAX_ANSWER: usize = 1 << 20;
/// Pods that are asked at most.
const MAX_PODS: usize = 256;

/// The pods behind a headless Service, on their metrics port.
#[derive(Debug)]
pub struct Peers {
    host: String,
    port: u16,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// Why a pod did not join outcomes.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to send the request: {0}")]
    Http(#[from] ClientError),
    #[error("failed to read the answer: {0}")]
    Body(Box<dyn StdError + Send + Sync>),
    #[error("the pod answered {0}")]
    Status(StatusCode),
    #[error("failed to decode the answer: {0}")]
    Json(#[from] serde_json::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

impl Peers {
    /// The pods that `host` resolves to, each at `port`.
    #[must_use]
    pub fn new(host: String, port: u16) -> Self {
        // Requests are rare, and the pod of an idle connection may be gone by the next one.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { host, port, client }
    }

    /// Sends outcomes to one pod after the other, each time those that are still unknown.
    ///
    /// Returns how many outcomes the pods joined, and the outcomes whose calls no pod remembers. A pod that does not
    /// answer is logged and skipped.
    pub async fn join(&self, mut unknown: Vec<Outcome>) -> (u64, Vec<Outcome>) {
        let pods = match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(pods) => pods,
            Err(error) => {
                tracing::warn!(host = self.host, error = %error, "failed to resolve the other pods");
                return (0, unknown);
            }
        };
        let mut joined = 0;
        for pod in pods.take(MAX_PODS) {
            if unknown.is_empty() {
                break;
            }
            let answer = tokio::time::timeout(TIMEOUT, self.post(pod, &unknown)).await;
            match answer.unwrap_or(Err(Error::Timeout)) {
                Ok(answer) => {
                    joined += answer.joined;
                    unknown.retain(|outcome| answer.unknown.contains(&outcome.id));
                }
                Err(error) => {
                    tracing::warn!(pod = %pod, error = %error, "failed to send outcomes to another pod");
                }
            }
        }
        (joined, unknown)
    }

    async fn post(&self, pod: SocketAddr, outcomes: &[Outcome]) -> Result<Joined, Error> {
        let body = serde_json::json!({ "outcomes": outcomes }).to_string();
        let request = Request::post(format!("http://{pod}{}", paths::OUTCOMES))
            .body(Full::from(body))
            .expect("an address and a path make a valid URI");
        let response = self.client.request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(Error::Body)?;
        if status != StatusCode::OK {
            return Err(Error::Status(status));
        }
        Ok(serde_json::from_slice(&body.to_bytes())?)
    }
}
