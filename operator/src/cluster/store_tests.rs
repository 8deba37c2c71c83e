//! What passes may rely on from a store.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use understudy_crds::ModelVersion;

use super::*;
use crate::fixtures::{parse, version, with};

fn object(number: &str, parts: Value) -> Received<ModelVersion> {
    parse(with(serde_json::to_value(version(number, json!({}))).expect("JSON"), parts))
}

fn plain(number: &str) -> Received<ModelVersion> {
    object(number, json!({}))
}

fn names(changes: &[Change]) -> Vec<String> {
    let mut names: Vec<_> = changes.iter().map(|change| change.key.name.clone()).collect();
    names.sort();
    names
}

#[test]
fn an_unfinished_list_does_not_hide_what_was_there() {
    let store = Store::default();
    store.apply(plain("1.0.0"));
    store.begin_list();
    store.list(plain("2.0.0"));
    assert!(!store.is_synced());
    assert!(store.at(&Key::new("risk", "fraud-1.0.0")).is_some());
    assert!(store.at(&Key::new("risk", "fraud-2.0.0")).is_none());
}

#[test]
fn after_a_list_every_object_that_exists_or_is_gone_is_reported() {
    let store = Store::default();
    store.apply(plain("1.0.0"));
    store.apply(plain("2.0.0"));
    store.begin_list();
    store.list(plain("2.0.0"));
    store.list(plain("3.0.0"));
    let changes = store.complete_list();
    assert_eq!(names(&changes), ["fraud-1.0.0", "fraud-2.0.0", "fraud-3.0.0"]);
    assert!(changes.iter().all(|change| change.deployment.as_deref() == Some("fraud")));
    assert!(store.is_synced());
    assert_eq!(store.of_deployment("risk", "fraud").len(), 2);
}

#[test]
fn a_list_that_was_interrupted_leaves_nothing_behind() {
    let store = Store::default();
    store.begin_list();
    store.list(plain("1.0.0"));
    store.begin_list();
    assert_eq!(store.complete_list(), []);
}

#[test]
fn an_object_that_moves_to_another_deployment_concerns_both() {
    let store = Store::default();
    store.apply(plain("1.0.0"));
    let changes = store.apply(object("1.0.0", json!({"spec": {"deployment": "churn"}})));
    let of: Vec<_> = changes.iter().filter_map(|change| change.deployment.as_deref()).collect();
    assert_eq!(of, ["fraud", "churn"]);
    assert_eq!(store.of_deployment("risk", "fraud").len(), 0);
    assert_eq!(store.of_deployment("risk", "churn").len(), 1);
}

#[test]
fn deployments_of_the_same_name_in_two_namespaces_are_apart() {
    let store = Store::default();
    store.apply(plain("1.0.0"));
    store.apply(object("2.0.0", json!({"metadata": {"namespace": "credit"}})));
    assert_eq!(store.of_deployment("risk", "fraud").len(), 1);
    assert_eq!(store.of_deployment("credit", "fraud").len(), 1);
}

#[test]
fn an_object_that_cannot_be_parsed_is_known_by_its_deployment() {
    let store = Store::default();
    store.apply(plain("1.0.0"));
    let newer = object("1.0.0", json!({"status": {"stage": "Canary"}}));
    let changes = store.apply(newer);
    assert_eq!(names(&changes), ["fraud-1.0.0"]);
    let key = Key::new("risk", "fraud-1.0.0");
    assert!(store.at(&key).is_none());
    assert!(store.unreadable(&key).is_some());
    assert_eq!(store.unreadable_of("risk", "fraud").len(), 1);
    store.apply(plain("1.0.0"));
    assert!(store.unreadable(&key).is_none(), "it can be read again");
}

#[test]
fn texts_that_no_pass_reads_are_not_kept() {
    let store = Store::default();
    store.apply(object("1.0.0", json!({
        "metadata": {
            "managedFields": [{"manager": "kubectl"}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "understudy.dev/approve": "6f1c2b"},
        },
        "spec": {"documentation": {"markdown": "x".repeat(100)}, "provenance": {"run": "42"}},
    })));
    let kept = store.at(&Key::new("risk", "fraud-1.0.0")).expect("it is known");
    assert_eq!(kept.metadata.managed_fields, None);
    assert_eq!(kept.spec.documentation, None);
    assert_eq!(kept.spec.provenance, None);
    let annotations: Vec<_> = kept.annotations().keys().collect();
    assert_eq!(annotations, ["understudy.dev/approve"]);
}

#[test]
fn of_a_pod_the_spec_is_not_kept() {
    let store = Store::<Pod>::default();
    let pod = json!({
        "metadata": {"namespace": "risk", "name": "fraud-v1-0-0-abcde", "managedFields": [{"manager": "kubelet"}]},
        "spec": {"containers": [{"name": "server"}]}, "status": {"podIP": "10.0.0.7"},
    });
    store.apply(serde_json::from_value(pod).unwrap());
    let kept = store.at(&Key::new("risk", "fraud-v1-0-0-abcde")).expect("it is known");
    assert_eq!((&kept.spec, &kept.metadata.managed_fields), (&None, &None));
    assert_eq!(kept.status.as_ref().and_then(|status| status.pod_ip.as_deref()), Some("10.0.0.7"));
}

#[test]
fn a_deleted_object_is_reported_as_it_was_known() {
    let store = Store::default();
    store.apply(plain("1.0.0"));
    let change = store.delete(plain("1.0.0"));
    assert_eq!((change.deployment.as_deref(), change.version.as_deref()), (Some("fraud"), Some("1.0.0")));
    assert!(store.keys().is_empty());
}
