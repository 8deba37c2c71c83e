//! What is sent to the API server, and what is not.

use http::Method;
use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::*;
use crate::mock_api::{answer, api, failure};

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
    assert_eq!(error.reason(), Reason::NameConflict);
    assert!(error.to_string().contains("Service fraud exists"), "{error}");
    drop(client);
    assert!(handle.next_request().await.is_none(), "a request was sent");
}

#[tokio::test]
async fn an_object_that_is_missing_is_made() {
    let (client, mut handle) = api();
    let server = async {
        answer(&mut handle, Method::GET, 404, failure(404, "NotFound", "not found")).await;
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
    let conflict = failure(409, "Conflict", "the UID in the precondition differs");
    let server = async {
        let sent = answer(&mut handle, Method::DELETE, 409, conflict).await;
        assert_eq!(sent["preconditions"]["uid"], "5e5e");
    };
    let seen = stored(service("owner", "1.0.0"));
    let (removed, ()) = tokio::join!(remove(&client, &seen), server);
    removed.expect("what was seen is gone already");
}
