//! What is sent to the API server, and what is not.

use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::parse,
    mock_api::{Cluster, Scenario, delete, get, patch},
};

const SERVICE: &str = "/services/fraud";

fn service(owner: &str, selector: &str) -> Service {
    parse(json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "fraud", "namespace": "risk", "ownerReferences": [
            {"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "name": "fraud", "uid": owner, "controller": true},
        ]},
        "spec": {"selector": {"understudy.dev/version": selector}},
    }))
}

fn stored(mut service: Service) -> Service {
    service.metadata.uid = Some("5e5e".to_owned());
    service.metadata.resource_version = Some("7".to_owned());
    service.spec.as_mut().expect("a spec").cluster_ip = Some("10.96.0.7".to_owned());
    service
}

/// Asks for the Service of 1.0.0.
async fn ensured(cached: Option<&Service>, scenario: Scenario) -> Result<Service, Error> {
    let mut cluster = Cluster::new();
    let client = cluster.client();
    cluster.play(scenario, ensure(&client, service("owner", "1.0.0"), cached)).await
}

#[tokio::test]
async fn an_object_that_is_as_it_should_be_costs_no_request_at_all() {
    let seen = stored(service("owner", "1.0.0"));
    let applied = ensured(Some(&seen), Scenario::new()).await.expect("nothing to do");
    assert_eq!(applied, seen);
}

#[tokio::test]
async fn an_object_that_somebody_edited_is_put_back_onto_exactly_that_object() {
    let seen = stored(service("owner", "edited"));
    let scenario = Scenario::new().then(patch(SERVICE).with(|sent| {
        assert_eq!(sent["metadata"]["uid"], "5e5e");
        assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "1.0.0");
    }));
    ensured(Some(&seen), scenario).await.expect("applied");
}

#[tokio::test]
async fn an_object_that_others_made_is_named_and_never_written() {
    let foreign = stored(service("somebody-else", "theirs"));
    let error =
        ensured(None, Scenario::new().then(get(SERVICE).finds(&foreign))).await.expect_err("it is foreign");
    assert_eq!(error.reason(), Reason::NameConflict);
    assert!(error.to_string().contains("Service fraud exists"), "{error}");
}

#[tokio::test]
async fn an_object_that_is_missing_is_created() {
    let scenario =
        Scenario::new().then_creates(SERVICE, |sent| assert_eq!(sent["metadata"]["uid"], Value::Null));
    ensured(None, scenario).await.expect("applied");
}

#[tokio::test]
async fn a_deletion_names_the_object_that_was_seen_so_that_a_new_one_of_its_name_survives() {
    let mut cluster = Cluster::new();
    let (client, seen) = (cluster.client(), stored(service("owner", "1.0.0")));
    let scenario = Scenario::new().then(
        delete(SERVICE).with(|sent| assert_eq!(sent["preconditions"]["uid"], "5e5e")).fails(
            409,
            "Conflict",
            "the UID in the precondition differs",
        ),
    );
    cluster.play(scenario, remove(&client, &seen)).await.expect("what was seen is gone already");
}
