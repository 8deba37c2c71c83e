//! What is counted of models and their objects.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::commands::doctor::fixtures::{NOW, now};

const SERVER: &str = "registry/server:1";

fn models() -> Models {
    let mut models = Models::new(now(), Some(SERVER.to_owned()));
    models.deployment(deployment(&json!({"main": main(2)})));
    models
}

fn main(ready: i32) -> Value {
    json!({"version": "1.3.0", "modelVersion": "fraud-1.3.0", "digest": "sha256:9f", "since": NOW,
        "transition": "6f", "readyReplicas": ready})
}

fn deployment(status: &Value) -> Value {
    json!({"metadata": {"namespace": "risk", "name": "fraud", "uid": "u1"}, "spec": {"replicas": 2}, "status": status})
}

fn version(status: &Value) -> Value {
    json!({"metadata": {"namespace": "risk", "name": "fraud-1.3.0", "uid": "v1"},
        "spec": {"deployment": "fraud", "version": "1.3.0", "artifact": {"uri": "s3://m/1", "sha256": "9f"}},
        "status": status})
}

fn transition(expires: &str, approved: Option<&str>) -> Value {
    let mut transition = json!({"id": "6f", "from": "Staging", "to": "Production", "requestedBy": "alice",
        "requestedAt": "2026-11-01T00:00:00Z", "generation": 2, "digest": "sha256:9f", "expiresAt": expires});
    if let Some(at) = approved {
        transition["approval"] = json!({"by": "bob", "at": at});
    }
    json!({"stage": "Staging", "transition": transition})
}

fn child(kind_name: &str, owner: Option<&str>, labelled: bool) -> Value {
    let mut object = json!({"metadata": {"namespace": "risk", "name": kind_name, "creationTimestamp": "2026-11-01T00:00:00Z"}});
    if let Some(uid) = owner {
        object["metadata"]["ownerReferences"] =
            json!([{"kind": "ModelDeployment", "uid": uid, "controller": true}]);
    }
    if labelled {
        object["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "understudy"});
    }
    object
}

#[test]
fn an_object_that_cannot_be_parsed_is_counted_by_its_name() {
    let mut models = models();
    models.version(json!({"metadata": {"namespace": "risk", "name": "odd"}, "spec": {"version": 7}}));
    assert_eq!(models.unreadable.names(), "ModelVersion risk/odd");
}

#[rstest]
#[case::own("Service", "fraud", Some("u1"), true, (0, 0))]
#[case::somebody_elses("Service", "fraud", None, false, (1, 0))]
#[case::of_an_earlier_deployment_of_this_name("ConfigMap", "fraud-routing", Some("u0"), true, (1, 0))]
#[case::an_unrelated_object("Service", "web", None, false, (0, 0))]
#[case::the_budget_of_two_pods("PodDisruptionBudget", "fraud", None, false, (1, 0))]
#[case::an_orphan("Service", "gone", Some("u0"), true, (0, 1))]
fn the_owner_of_an_object_counts_not_its_name(
    #[case] kind: &str,
    #[case] name: &str,
    #[case] owner: Option<&str>,
    #[case] labelled: bool,
    #[case] found: (usize, usize),
) {
    let mut models = models();
    models.object(kind, &child(name, owner, labelled));
    assert_eq!((models.foreign.count, models.orphans.count), found);
}

#[test]
fn a_young_object_without_a_known_owner_is_not_an_orphan() {
    let mut models = models();
    let mut object = child("new", Some("u9"), true);
    object["metadata"]["creationTimestamp"] = json!(NOW);
    models.object("Service", &object);
    assert!(models.orphans.is_empty());
}

#[test]
fn the_deployment_of_a_version_in_staging_is_wanted() {
    let mut models = models();
    models.version(version(&json!({"stage": "Staging"})));
    models.object("Deployment", &child("fraud-v1-3-0", None, false));
    assert_eq!(models.foreign.names(), "Deployment risk/fraud-v1-3-0");
}

#[rstest]
#[case::open("2026-11-21T13:00:00Z", None, (0, 0))]
#[case::expired("2026-11-21T11:00:00Z", None, (1, 0))]
#[case::just_expired("2026-11-21T11:59:30Z", None, (0, 0))]
#[case::approved_in_time("2026-11-21T11:00:00Z", Some("2026-11-21T11:30:00Z"), (0, 0))]
#[case::stuck("2026-11-21T13:00:00Z", Some("2026-11-21T10:00:00Z"), (0, 1))]
fn a_request_that_the_operator_missed_is_counted(
    #[case] expires: &str,
    #[case] approved: Option<&str>,
    #[case] found: (usize, usize),
) {
    let mut models = models();
    models.version(version(&transition(expires, approved)));
    assert_eq!((models.overdue.count, models.slow.count), found);
}

#[rstest]
#[case::no_slice(None, 1)]
#[case::none_ready(Some(json!([{"conditions": {"ready": false}}])), 1)]
#[case::one_ready(Some(json!([{"conditions": {"ready": false}}, {"conditions": {"ready": true}}])), 0)]
fn a_ready_main_without_an_endpoint_is_counted(#[case] endpoints: Option<Value>, #[case] found: usize) {
    let mut models = models();
    if let Some(endpoints) = endpoints {
        let metadata = json!({"namespace": "risk", "labels": {"kubernetes.io/service-name": "fraud"}});
        models.slice(&json!({"metadata": metadata, "endpoints": endpoints}));
    }
    assert_eq!(models.without_endpoints().count, found);
}

#[test]
fn a_pod_whose_image_cannot_be_pulled_is_counted_with_the_reason() {
    let mut models = models();
    let state = json!([{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]);
    models.pod(&json!({"metadata": {"namespace": "risk", "name": "p"},
        "spec": {"containers": [{"image": SERVER}]}, "status": {"containerStatuses": state}}));
    assert_eq!(models.image_failures.names(), "risk/p (ImagePullBackOff)");
    assert!(models.other_images.is_empty());
}
