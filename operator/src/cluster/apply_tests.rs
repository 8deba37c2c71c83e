//! What is sent to the API server, and what is not.

use k8s_openapi::api::core::v1::Service;
use serde_json::{Value, json};
use understudy_crds::OwnedObject;

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
    let (objects, settled) = (Objects::default(), Settled::default());
    let writer = Writer { client: &client, objects: &objects, settled: &settled };
    cluster.play(scenario, writer.ensure(service("owner", "1.0.0"), cached)).await
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

/// The Service lost its owner. The status of the deployment names this uid.
async fn taken_back(recorded: &str, scenario: Scenario) -> Result<Service, Error> {
    let mut cluster = Cluster::new();
    let client = cluster.client();
    let known = OwnedObject { kind: "Service".into(), name: "fraud".into(), uid: recorded.into() };
    let (objects, settled) = (Objects::new(&[known]), Settled::default());
    let writer = Writer { client: &client, objects: &objects, settled: &settled };
    let mut lost = stored(service("owner", "theirs"));
    lost.metadata.owner_references = None;
    let scenario = Scenario::new().then(get(SERVICE).finds(&lost)).and(scenario);
    cluster.play(scenario, writer.ensure(service("owner", "1.0.0"), None)).await
}

#[tokio::test]
async fn an_object_that_lost_its_owner_is_taken_back_by_its_uid() {
    let repaired = patch(SERVICE).with(|sent| {
        assert_eq!(sent["metadata"]["uid"], "5e5e");
        assert_eq!(sent["metadata"]["ownerReferences"][0]["uid"], "owner");
        assert_eq!(sent["spec"]["selector"]["understudy.dev/version"], "1.0.0");
    });
    taken_back("5e5e", Scenario::new().then(repaired)).await.expect("it is written");
}

#[tokio::test]
async fn an_object_with_the_name_of_one_of_ours_and_another_uid_is_never_written() {
    let error = taken_back("0e0e", Scenario::new()).await.expect_err("it is foreign");
    assert_eq!(error.reason(), Reason::NameConflict);
}

#[tokio::test]
async fn what_an_admission_webhook_adds_again_is_written_over_once_and_not_in_every_pass() {
    let mut cluster = Cluster::new();
    let (client, objects, settled) = (cluster.client(), Objects::default(), Settled::default());
    let writer = Writer { client: &client, objects: &objects, settled: &settled };
    let mut added = stored(service("owner", "1.0.0"));
    added.spec.as_mut().expect("a spec").publish_not_ready_addresses = Some(true);
    let written = Scenario::new().then(patch(SERVICE).finds(&added));
    let desired = service("owner", "1.0.0");
    cluster.play(written, writer.ensure(desired.clone(), Some(&added))).await.expect("written");
    cluster.play(Scenario::new(), writer.ensure(desired, Some(&added))).await.expect("nothing to do");
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
