//! What is sent to the API server, and what is not.

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::Service;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::*;

type Handle = mock::Handle<Request<Body>, Response<Body>>;

fn api() -> (Client, Handle) {
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    (Client::new(service, "default"), handle)
}

fn service(owner: &str, selector: &str) -> Service {
    let object = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "fraud", "namespace": "risk", "ownerReferences": [
            {"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "name": "fraud", "uid": owner, "controller": true},
        ]},
        "spec": {"selector": {"understudy.dev/version": selector}},
    });
    serde_json::from_value(object).expect("a Service")
}

fn stored(mut service: Service) -> Service {
    service.metadata.uid = Some("5e5e".to_owned());
    service.metadata.resource_version = Some("7".to_owned());
    service.spec.as_mut().expect("a spec").cluster_ip = Some("10.96.0.7".to_owned());
    service
}

/// Expects one request and answers it.
async fn answer(handle: &mut Handle, method: Method, status: u16, body: Value) -> Value {
    let (request, reply) = handle.next_request().await.expect("a request");
    assert_eq!(request.method(), method, "{}", request.uri());
    let sent = request.into_body().collect().await.expect("a body").to_bytes();
    let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes()));
    reply.send_response(response.expect("a response"));
    serde_json::from_slice(&sent).unwrap_or_default()
}

fn not_found() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not found", "reason": "NotFound", "code": 404})
}

#[tokio::test]
async fn an_object_that_is_as_it_should_be_costs_no_request_at_all() {
    let (client, mut handle) = api();
    let seen = stored(service("owner", "1.0.0"));
    let applied = ensure(&client, service("owner", "1.0.0"), Some(&seen)).await.expect("nothing to do");
    assert_eq!(applied, seen);
    drop(client);
    assert!(handle.next_request().await.is_none(), "a request was sent");
}

#[tokio::test]
async fn an_object_that_somebody_edited_is_put_back_onto_exactly_that_object() {
    let (client, mut handle) = api();
    let seen = stored(service("owner", "edited"));
    let wanted = service("owner", "1.0.0");
    let server = async {
        let sent =
            answer(&mut handle, Method::PATCH, 200, to_value(&stored(service("owner", "1.0.0")))).await;
        assert_eq!(sent["metadata"]["uid"], "5e5e");
        assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "1.0.0");
    };
    let (applied, ()) = tokio::join!(ensure(&client, wanted, Some(&seen)), server);
    applied.expect("applied");
}

#[tokio::test]
async fn an_object_that_others_made_is_named_and_never_written() {
    let (client, mut handle) = api();
    let foreign = to_value(&stored(service("somebody-else", "theirs")));
    let server = async {
        answer(&mut handle, Method::GET, 200, foreign).await;
    };
    let (applied, ()) = tokio::join!(ensure(&client, service("owner", "1.0.0"), None), server);
    let error = applied.expect_err("it is foreign");
    assert_eq!(error.reason(), "NameConflict");
    assert!(error.to_string().contains("Service fraud exists"), "{error}");
    drop(client);
    assert!(handle.next_request().await.is_none(), "a request was sent");
}

#[tokio::test]
async fn an_object_that_is_missing_is_made() {
    let (client, mut handle) = api();
    let server = async {
        answer(&mut handle, Method::GET, 404, not_found()).await;
        let sent =
            answer(&mut handle, Method::PATCH, 201, to_value(&stored(service("owner", "1.0.0")))).await;
        assert_eq!(sent["metadata"]["uid"], Value::Null);
    };
    let (applied, ()) = tokio::join!(ensure(&client, service("owner", "1.0.0"), None), server);
    applied.expect("applied");
}

#[tokio::test]
async fn a_deletion_names_the_object_that_was_seen_so_that_a_new_one_of_its_name_survives() {
    let (client, mut handle) = api();
    let conflict = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "the UID in the precondition differs", "reason": "Conflict", "code": 409});
    let server = async {
        let sent = answer(&mut handle, Method::DELETE, 409, conflict).await;
        assert_eq!(sent["preconditions"]["uid"], "5e5e");
    };
    let seen = stored(service("owner", "1.0.0"));
    let (removed, ()) = tokio::join!(remove(&client, &seen), server);
    removed.expect("what was seen is gone already");
}
