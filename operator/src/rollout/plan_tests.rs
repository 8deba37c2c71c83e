//! Which versions run and which one becomes main.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use understudy_crds::ModelDeployment;

use super::*;
use crate::rollout::challenger;

const NOW: &str = "2026-11-21T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn version(number: &str, stage: &str, status: Value) -> Arc<ModelVersion> {
    let mut status = status;
    status["stage"] = json!(stage);
    let object = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": format!("fraud-{number}"), "namespace": "risk", "generation": 2},
        "spec": {"deployment": "fraud", "version": number, "stage": stage,
                 "artifact": {"uri": "s3://models/m.onnx", "sha256": "cd".repeat(32)}},
        "status": status,
    });
    Arc::new(serde_json::from_value(object).expect("a ModelVersion"))
}

fn approved(id: &str, from: &str, to: &str, at: &str) -> Value {
    json!({"transition": {
        "id": id, "from": from, "to": to, "requestedBy": "alice", "requestedAt": NOW, "generation": 2,
        "digest": format!("sha256:{}", "cd".repeat(32)), "approval": {"by": "bob", "at": at},
    }})
}

fn was_in_production() -> Value {
    json!({"history": [{
        "id": "a1", "from": "Staging", "to": "Production", "requestedBy": "alice", "requestedAt": NOW, "decision": "Approved",
        "decidedBy": "bob", "decidedAt": NOW, "digest": format!("sha256:{}", "cd".repeat(32)),
    }]})
}

fn main_is(number: &str) -> Value {
    json!({"main": {"version": number, "modelVersion": format!("fraud-{number}"), "digest": "sha256:0", "since": NOW, "transition": "old"}})
}

fn observed(annotations: &Value, status: &Value, versions: Vec<Arc<ModelVersion>>) -> Observed {
    let object = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {"name": "fraud", "namespace": "risk", "annotations": annotations},
        "spec": {"replicas": 3}, "status": status,
    });
    let md: ModelDeployment = serde_json::from_value(object).expect("a ModelDeployment");
    Observed::new(Arc::new(md), versions, vec![], BTreeMap::new())
}

/// As [`observed`], with 1.1.0 named as challenger with two pods.
fn challenged(status: &Value, versions: Vec<Arc<ModelVersion>>) -> Observed {
    let mut observed = observed(&json!({}), status, versions);
    let challenger = json!({"version": "1.1.0", "replicas": 2});
    let md = Arc::make_mut(&mut observed.md);
    md.spec.challenger = Some(serde_json::from_value(challenger).expect("a challenger"));
    observed
}

/// What a second person has let into Staging.
fn approved_for_staging() -> Value {
    let mut status = was_in_production();
    status["history"][0]["to"] = json!("Staging");
    status["model"] = json!({"inputs": [], "outputs": [], "opset": 17, "bytes": 1});
    status
}

fn plan(observed: &Observed, now: Timestamp) -> Plan {
    super::plan(observed, &challenger::judge(observed, observed.current()), now)
}

fn serve(plan: &Plan) -> Vec<(&str, i32)> {
    plan.serve.iter().map(|(v, replicas)| (v.spec.version.as_str(), *replicas)).collect()
}

fn promoted(plan: &Plan) -> Option<&Candidate> {
    match &plan.next {
        Next::Promote(candidate) => Some(candidate),
        _ => None,
    }
}

fn rollback_to(version: &str) -> Value {
    json!({"understudy.dev/rollback": format!("{version}#1"), "understudy.dev/rollback-by": "carol"})
}

#[test]
fn a_version_in_staging_runs_one_pod_and_main_runs_all() {
    let versions = vec![
        version("1.0.0", "Production", json!({})),
        version("1.1.0", "Staging", json!({})),
        version("1.2.0", "None", json!({})),
    ];
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), versions), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 1)]);
    assert!(matches!(plan.next, Next::Keep));
}

#[test]
fn an_approved_version_is_scaled_to_mains_size_while_main_stays() {
    let versions = vec![
        version("1.0.0", "Production", json!({})),
        version("1.1.0", "Staging", approved("b2", "Staging", "Production", NOW)),
    ];
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), versions), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 3)]);
    assert_eq!(promoted(&plan).map(|c| (c.transition.as_str(), c.approved_by.as_str())), Some(("b2", "bob")));
}

#[test]
fn of_two_approved_versions_the_one_approved_first_goes_first() {
    let versions = vec![
        version("1.1.0", "Staging", approved("b2", "Staging", "Production", "2026-11-21T11:59:59Z")),
        version("1.2.0", "Staging", approved("c3", "Staging", "Production", "2026-11-21T11:59:58Z")),
    ];
    let plan = plan(&observed(&json!({}), &json!({}), versions), now());
    assert_eq!(promoted(&plan).map(|c| c.transition.as_str()), Some("c3"));
}

#[test]
fn the_previous_version_keeps_its_pods_while_it_is_warm_and_loses_them_after() {
    let mut status = main_is("1.1.0");
    status["previous"] = json!({"version": "1.0.0", "modelVersion": "fraud-1.0.0", "digest": "sha256:0", "warmUntil": "2026-11-21T12:00:01Z"});
    let versions = vec![version("1.0.0", "Archived", json!({})), version("1.1.0", "Production", json!({}))];
    let observed = observed(&json!({}), &status, versions);
    let later = "2026-11-21T12:00:01Z".parse().expect("a time");
    assert_eq!(serve(&plan(&observed, now())), [("1.0.0", 3), ("1.1.0", 3)]);
    assert_eq!(serve(&plan(&observed, later)), [("1.1.0", 3)]);
}

#[test]
fn a_rollback_goes_to_a_version_that_was_approved_for_production_and_before_any_promotion() {
    let versions = vec![
        version("1.0.0", "Archived", was_in_production()),
        version("1.1.0", "Production", json!({})),
        version("1.2.0", "Staging", approved("c3", "Staging", "Production", NOW)),
    ];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    let candidate = promoted(&plan).expect("a candidate");
    assert_eq!(
        (candidate.version.spec.version.as_str(), candidate.reason),
        ("1.0.0", MainReason::RolledBack)
    );
    assert_eq!(candidate.requested_by, "carol");
}

#[test]
fn a_rollback_to_a_version_that_was_never_in_production_is_refused() {
    let versions = vec![version("1.0.0", "Staging", json!({})), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    assert!(matches!(plan.next, Next::Keep));
    assert_eq!(plan.rollback.map(|r| r.result), Some(RollbackResult::Refused));
}

#[test]
fn a_rollback_whose_bytes_are_not_the_approved_ones_is_refused() {
    let mut status = was_in_production();
    status["history"][0]["digest"] = json!("sha256:other");
    let versions = vec![version("1.0.0", "Archived", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    assert_eq!(plan.rollback.map(|r| r.result), Some(RollbackResult::Refused));
}

#[test]
fn a_rollback_that_was_done_is_not_done_again() {
    let mut status = main_is("1.1.0");
    status["rollback"] =
        json!({"request": "1.0.0#1", "by": "carol", "at": NOW, "result": "Done", "message": ""});
    let versions =
        vec![version("1.0.0", "Archived", was_in_production()), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &status, versions), now());
    assert!(matches!(plan.next, Next::Keep));
    assert_eq!(plan.rollback.map(|r| r.result), Some(RollbackResult::Done));
}

#[test]
fn main_leaves_production_without_a_successor_once_that_is_approved() {
    let versions = vec![version("1.0.0", "Production", approved("d4", "Production", "Archived", NOW))];
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), versions), now());
    assert!(matches!(plan.next, Next::TakeDown { transition: Some(_) }));
}

#[test]
fn a_main_whose_model_version_was_deleted_is_taken_down() {
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), vec![]), now());
    assert!(matches!(plan.next, Next::TakeDown { transition: None }));
}

#[test]
fn a_challenger_runs_as_many_pods_as_it_is_given_beside_all_of_main() {
    let main = version("1.0.0", "Production", approved_for_staging());
    let versions = vec![main, version("1.1.0", "Staging", approved_for_staging())];
    let plan = plan(&challenged(&main_is("1.0.0"), versions), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 2)]);
    assert!(matches!(plan.next, Next::Keep));
}

#[test]
fn the_pods_of_a_challenger_are_made_before_anybody_knows_whether_it_fits() {
    let mut unknown = approved_for_staging();
    unknown["model"] = Value::Null;
    let main = version("1.0.0", "Production", approved_for_staging());
    let plan = plan(&challenged(&main_is("1.0.0"), vec![main, version("1.1.0", "Staging", unknown)]), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 2)]);
}

#[test]
fn a_version_that_may_not_be_challenger_runs_what_its_stage_gives_it() {
    let main = || version("1.0.0", "Production", approved_for_staging());
    let stages = [("Staging", vec![("1.0.0", 3), ("1.1.0", 1)]), ("None", vec![("1.0.0", 3)])];
    for (stage, expected) in stages {
        let unapproved = version("1.1.0", stage, json!({}));
        let plan = plan(&challenged(&main_is("1.0.0"), vec![main(), unapproved]), now());
        assert_eq!(serve(&plan), expected, "in stage {stage}");
    }
}

#[test]
fn a_challenger_that_is_promoted_goes_on_with_the_pods_that_it_has() {
    let mut status = approved_for_staging();
    status["transition"] = approved("b2", "Staging", "Production", NOW)["transition"].clone();
    let main = version("1.0.0", "Production", approved_for_staging());
    let plan = plan(&challenged(&main_is("1.0.0"), vec![main, version("1.1.0", "Staging", status)]), now());
    assert_eq!(promoted(&plan).map(|c| c.version.spec.version.as_str()), Some("1.1.0"));
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 3)]);
}
