//! An API server of which a test plays the part: for the order and the failure of calls.

use std::{path::Path, sync::Arc};

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tower_test::mock;

use crate::{
    cluster::cache::Cache,
    context::Context,
    decision_log::Journal,
    metrics::Metrics,
    model_server::{probe::Prober, summary::SummaryClient},
    policy::ApprovalPolicy,
};

pub type Handle = mock::Handle<Request<Body>, Response<Body>>;

pub fn api() -> (Client, Handle) {
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    (Client::new(service, "default"), handle)
}

/// What a pass needs, with caches that are empty.
pub fn context(client: &Client) -> Context {
    let metrics = Metrics::new();
    let (cache, _) = Cache::new();
    let config = serde_saphyr::from_str("{serverImage: 'understudy-server:1'}").expect("a configuration");
    Context {
        client: client.clone(),
        cache,
        config: Arc::new(config),
        policy: ApprovalPolicy::new(client.clone(), Path::new(""), None)
            .expect("without names no file is read"),
        prober: Prober::new(),
        journal: Journal::new(client.clone(), "test"),
        metrics,
        summaries: SummaryClient::new(),
    }
}

/// Expects one request and answers it.
pub async fn answer(handle: &mut Handle, method: Method, status: u16, body: Value) -> Value {
    answer_at(handle, method, "", status, body).await
}

/// Expects one request for what `path` ends in, and answers it.
pub async fn answer_at(handle: &mut Handle, method: Method, path: &str, status: u16, body: Value) -> Value {
    let (request, reply) = handle.next_request().await.expect("a request");
    assert_eq!(request.method(), method, "{}", request.uri());
    assert!(request.uri().path().ends_with(path), "{} does not end in {path}", request.uri());
    let sent = request.into_body().collect().await.expect("a body").to_bytes();
    let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
    reply.send_response(response.expect("a response"));
    serde_json::from_slice(&sent).unwrap_or_default()
}

/// What the API server answers instead of an object.
pub fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code})
}
