//! The other pods of the deployment. They may remember calls that this pod does not.

use std::{collections::HashSet, error::Error as StdError, future::ready, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, Error as ClientError, connect::HttpConnector},
    rt::TokioExecutor,
};
use understudy_contract::paths;

use super::outcomes::{Joined, NotJoined, Outcome};

/// Time for one pod to answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Largest answer in bytes. A list of 1,000 ids has at most 256 KB.
const MAX_ANSWER: usize = 1 << 20;
/// Pods that are asked at most, and how many of them at the same time.
const MAX_PODS: usize = 256;
const AT_A_TIME: usize = 32;
/// Time for all pods together. The caller waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

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

    /// Sends outcomes to all pods, and returns those that none of them joined. A pod that does not answer is logged and
    /// skipped.
    pub async fn join(&self, unknown: Vec<Outcome>) -> NotJoined {
        let pods = match tokio::net::lookup_host((self.host.as_str(), self.port)).await {
            Ok(pods) => pods,
            Err(error) => {
                tracing::warn!(host = self.host, error = %error, "failed to resolve the other pods");
                return NotJoined { unknown, mismatched: Vec::new() };
            }
        };
        self.join_at(pods, unknown).await
    }

    async fn join_at(&self, pods: impl Iterator<Item = SocketAddr>, mut unknown: Vec<Outcome>) -> NotJoined {
        let asked = &unknown;
        let answers: Vec<_> = stream::iter(pods.take(MAX_PODS))
            .map(|pod| async move {
                let answer = tokio::time::timeout(TIMEOUT, self.post(pod, asked)).await;
                answer.unwrap_or(Err(Error::Timeout)).inspect_err(|error| {
                    tracing::warn!(pod = %pod, error = %error, "failed to send outcomes to another pod");
                })
            })
            .buffer_unordered(AT_A_TIME)
            .take_until(tokio::time::sleep(PATIENCE))
            .filter_map(|answer| ready(answer.ok()))
            .collect()
            .await;
        let mut mismatched = Vec::new();
        for answer in answers {
            let still: HashSet<_> = answer.unknown.into_iter().collect();
            unknown.retain(|outcome| still.contains(&outcome.id));
            mismatched.extend(answer.mismatched);
        }
        NotJoined { unknown, mismatched }
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

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        sync::{Arc, Barrier},
    };

    use serde_json::json;

    use super::*;

    /// A pod that remembers the call `known`, and answers once `all` pods have been asked.
    fn pod(known: &'static str, all: Arc<Barrier>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(listener.accept().unwrap().0);
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let asked: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let ids =
                asked["outcomes"].as_array().unwrap().iter().map(|outcome| outcome["id"].as_str().unwrap());
            let unknown: Vec<_> = ids.filter(|id| *id != known).collect();
            all.wait();
            let mismatched = if known == "b" { &["b"][..] } else { &[] };
            let answer = json!({"joined": 1, "unknown": unknown, "mismatched": mismatched}).to_string();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
            stream.get_mut().write_all((head + &answer).as_bytes()).unwrap();
        });
        address
    }

    #[tokio::test]
    async fn all_pods_are_asked_at_the_same_time() {
        let all = Arc::new(Barrier::new(3));
        let pods = ["a", "b", "c"].map(|known| pod(known, Arc::clone(&all)));
        let outcome = |id: &str| Outcome { id: id.to_owned(), label: json!(1), value: None };
        let unknown = ["a", "b", "c", "d"].map(outcome).to_vec();
        let left = Peers::new("unused".to_owned(), 0).join_at(pods.into_iter(), unknown).await;
        assert_eq!((left.unknown, left.mismatched), (vec![outcome("d")], vec!["b".to_owned()]));
    }
}
