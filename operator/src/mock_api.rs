//! An API server of which a test plays the part: for the order and the failure of calls.

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tower_test::mock;

pub type Handle = mock::Handle<Request<Body>, Response<Body>>;

pub fn api() -> (Client, Handle) {
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    (Client::new(service, "default"), handle)
}

/// Expects one request and answers it.
pub async fn answer(handle: &mut Handle, method: Method, status: u16, body: Value) -> Value {
    let (request, reply) = handle.next_request().await.expect("a request");
    assert_eq!(request.method(), method, "{}", request.uri());
    let sent = request.into_body().collect().await.expect("a body").to_bytes();
    let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
    reply.send_response(response.expect("a response"));
    serde_json::from_slice(&sent).unwrap_or_default()
}

/// What the API server answers instead of an object.
pub fn failure(code: u16, reason: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code})
}
