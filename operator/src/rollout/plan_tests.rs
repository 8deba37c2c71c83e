//! Which versions run and which one becomes main.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::{
    fixtures::{self, NOW, approval, main_is, now, request, rollback_to, superseded, with},
    rollout::challenger,
};

/// A version in this stage. One in Production has the approval that brought it there.
fn version(number: &str, stage: &str, status: Value) -> Arc<ModelVersion> {
    let mut status = with(status, json!({"stage": stage}));
    if stage == "Production" {
        let mut history = status["history"].as_array().cloned().unwrap_or_default();
        history.push(approval(number, "Production"));
        status["history"] = json!(history);
    }
    Arc::new(fixtures::version(number, json!({"spec": {"stage": stage}, "status": status})))
}

/// bob has approved the request `id` at this time.
fn approved(number: &str, id: &str, from: &str, to: &str, at: &str) -> Value {
    let change = json!({"id": id, "approval": {"at": at}});
    json!({"transition": with(fixtures::approved(request(number, from, to)), change)})
}

fn was_in_production(number: &str) -> Value {
    json!({"history": [approval(number, "Production"), superseded(number)]})
}

fn observed(annotations: &Value, status: &Value, versions: Vec<Arc<ModelVersion>>) -> Observed {
    let parts = json!({"metadata": {"annotations": annotations}, "spec": {"replicas": 3}, "status": status});
    Observed::new(Arc::new(fixtures::deployment(parts)), versions, vec![], BTreeMap::new())
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
fn approved_for_staging(number: &str) -> Value {
    let model = json!({"inputs": [], "outputs": [], "opset": 17, "bytes": 1});
    json!({"history": [approval(number, "Staging")], "model": model})
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
        version("1.1.0", "Staging", approved("1.1.0", "b2", "Staging", "Production", NOW)),
    ];
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), versions), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 3)]);
    assert_eq!(promoted(&plan).map(|c| (c.transition.as_str(), c.approved_by.as_str())), Some(("b2", "bob")));
}

#[test]
fn of_two_approved_versions_the_one_approved_first_goes_first() {
    let versions = vec![
        version("1.1.0", "Staging", approved("1.1.0", "b2", "Staging", "Production", "2026-11-21T11:59:59Z")),
        version("1.2.0", "Staging", approved("1.2.0", "c3", "Staging", "Production", "2026-11-21T11:59:58Z")),
    ];
    let plan = plan(&observed(&json!({}), &json!({}), versions), now());
    assert_eq!(promoted(&plan).map(|c| c.transition.as_str()), Some("c3"));
}

/// 1.1.0 is main, and 1.0.0 was main until a moment ago.
fn warm() -> Value {
    let previous = json!({
        "version": "1.0.0", "modelVersion": "fraud-1.0.0", "digest": fixtures::digest("1.0.0"),
        "warmUntil": "2026-11-21T12:00:01Z",
    });
    with(main_is("1.1.0"), json!({"previous": previous}))
}

#[test]
fn the_previous_version_keeps_its_pods_while_it_is_warm_and_loses_them_after() {
    let previous = version("1.0.0", "Archived", was_in_production("1.0.0"));
    let versions = vec![previous, version("1.1.0", "Production", json!({}))];
    let observed = observed(&json!({}), &warm(), versions);
    let later = "2026-11-21T12:00:01Z".parse().expect("a time");
    assert_eq!(serve(&plan(&observed, now())), [("1.0.0", 3), ("1.1.0", 3)]);
    assert_eq!(serve(&plan(&observed, later)), [("1.1.0", 3)]);
}

#[test]
fn a_version_with_the_name_of_the_previous_main_gets_no_pods_without_an_approval() {
    let again = version("1.0.0", "None", json!({}));
    let versions = vec![again, version("1.1.0", "Production", json!({}))];
    assert_eq!(serve(&plan(&observed(&json!({}), &warm(), versions), now())), [("1.1.0", 3)]);
}

#[test]
fn a_rollback_goes_to_a_version_that_was_approved_for_production_and_before_any_promotion() {
    let versions = vec![
        version("1.0.0", "Archived", was_in_production("1.0.0")),
        version("1.1.0", "Production", json!({})),
        version("1.2.0", "Staging", approved("1.2.0", "c3", "Staging", "Production", NOW)),
    ];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    let candidate = promoted(&plan).expect("a candidate");
    assert_eq!(
        (candidate.version.spec.version.as_str(), candidate.reason),
        ("1.0.0", MainReason::RolledBack)
    );
    assert_eq!(candidate.requested_by, "carol");
}

/// The message of the refused rollback.
fn refusal(plan: &Plan) -> &str {
    assert!(matches!(plan.next, Next::Keep | Next::Promote(Candidate { reason: MainReason::Promoted, .. })));
    let rollback = plan.rollback.as_ref().expect("a rollback is requested");
    assert_eq!(rollback.result, RollbackResult::Refused);
    &rollback.message
}

#[test]
fn a_rollback_cannot_bring_a_version_to_production_before_those_that_were_approved_earlier() {
    let mut waiting = approved("1.3.0", "d4", "Staging", "Production", NOW);
    waiting["history"] = json!([with(approval("1.3.0", "Production"), json!({"id": "d4"}))]);
    let versions = vec![
        version("1.1.0", "Production", json!({})),
        version("1.2.0", "Staging", approved("1.2.0", "c3", "Staging", "Production", "2026-11-21T11:59:58Z")),
        version("1.3.0", "Staging", waiting),
    ];
    let plan = plan(&observed(&rollback_to("1.3.0"), &main_is("1.1.0"), versions), now());
    assert_eq!(promoted(&plan).map(|c| c.transition.as_str()), Some("c3"));
    assert!(refusal(&plan).contains("never main"), "{:?}", plan.rollback);
    assert!(refusal(&plan).contains("its approved promotion waits"), "{:?}", plan.rollback);
}

#[test]
fn a_rollback_to_a_version_whose_approved_promotion_was_withdrawn_is_refused() {
    let status = json!({"history": [approval("1.2.0", "Production")]});
    let versions = vec![version("1.1.0", "Production", json!({})), version("1.2.0", "Archived", status)];
    let plan = plan(&observed(&rollback_to("1.2.0"), &main_is("1.1.0"), versions), now());
    assert!(refusal(&plan).contains("never main of fraud"), "{:?}", plan.rollback);
}

/// The status of the deployment: 1.1.0 is main, and the request `transition` made 1.0.0 main before.
fn was_main(transition: &str) -> Value {
    let mut status = main_is("1.1.0");
    let mut record = main_is("1.0.0")["history"][0].clone();
    record["transition"] = json!(transition);
    status["history"].as_array_mut().expect("a history").insert(0, record);
    status
}

#[test]
fn a_rollback_goes_to_what_was_main_even_before_its_stage_has_followed() {
    let status = json!({"history": [approval("1.0.0", "Production")]});
    let versions = vec![version("1.0.0", "Staging", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &was_main("Production-of-1.0.0"), versions), now());
    assert_eq!(promoted(&plan).map(|c| c.version.spec.version.as_str()), Some("1.0.0"));
}

#[test]
fn a_version_was_not_main_because_another_one_of_its_name_was() {
    let status = json!({"history": [approval("1.0.0", "Production")]});
    let versions = vec![version("1.0.0", "Staging", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &was_main("of-the-deleted-one"), versions), now());
    assert!(refusal(&plan).contains("never main"), "{:?}", plan.rollback);
}

#[test]
fn a_version_that_was_replaced_before_its_stage_followed_is_not_promoted_again() {
    let status = approved("1.0.0", "Production-of-1.0.0", "Staging", "Production", NOW);
    let versions = vec![version("1.0.0", "Staging", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&json!({}), &was_main("Production-of-1.0.0"), versions), now());
    assert!(matches!(plan.next, Next::Keep), "{:?}", plan.next);
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
    let mut status = was_in_production("1.0.0");
    status["history"][0]["digest"] = json!("sha256:other");
    let versions = vec![version("1.0.0", "Archived", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    assert_eq!(plan.rollback.map(|r| r.result), Some(RollbackResult::Refused));
}

#[rstest]
#[case::of_an_older_operator(None, true)]
#[case::under_this_deployment(Some("uid-of-fraud"), true)]
#[case::under_a_deleted_deployment_of_the_same_name(Some("uid-of-another"), false)]
fn a_rollback_needs_an_approval(#[case] decided_under: Option<&str>, #[case] counts: bool) {
    let mut status = was_in_production("1.0.0");
    status["history"][0]["deploymentUid"] = json!(decided_under);
    let versions = vec![version("1.0.0", "Archived", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    assert_eq!(promoted(&plan).is_some(), counts, "{:?}", plan.rollback);
}

#[test]
fn a_rollback_to_a_version_that_its_requester_approved_is_refused() {
    let mut status = was_in_production("1.0.0");
    status["history"][0]["decidedBy"] = json!("alice");
    let versions = vec![version("1.0.0", "Archived", status), version("1.1.0", "Production", json!({}))];
    let plan = plan(&observed(&rollback_to("1.0.0"), &main_is("1.1.0"), versions), now());
    assert_eq!(plan.rollback.map(|r| r.result), Some(RollbackResult::Refused));
}

#[test]
fn a_rollback_that_was_done_is_not_done_again() {
    let mut status = main_is("1.1.0");
    status["rollback"] =
        json!({"request": "1.0.0#1", "by": "carol", "at": NOW, "result": "Done", "message": ""});
    let versions = vec![
        version("1.0.0", "Archived", was_in_production("1.0.0")),
        version("1.1.0", "Production", json!({})),
    ];
    let plan = plan(&observed(&rollback_to("1.0.0"), &status, versions), now());
    assert!(matches!(plan.next, Next::Keep));
    assert_eq!(plan.rollback.map(|r| r.result), Some(RollbackResult::Done));
}

#[test]
fn main_leaves_production_without_a_successor_once_that_is_approved() {
    let versions =
        vec![version("1.0.0", "Production", approved("1.0.0", "d4", "Production", "Archived", NOW))];
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), versions), now());
    assert!(matches!(plan.next, Next::TakeDown { transition: Some(_) }));
}

#[test]
fn a_main_whose_model_version_was_deleted_is_taken_down() {
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), vec![]), now());
    assert!(matches!(plan.next, Next::TakeDown { transition: None }));
}

#[test]
fn a_main_whose_model_version_was_deleted_and_created_again_is_taken_down() {
    let again = Arc::new(fixtures::version("1.0.0", json!({"spec": {"stage": "Staging"}})));
    let plan = plan(&observed(&json!({}), &main_is("1.0.0"), vec![again]), now());
    assert!(matches!(plan.next, Next::TakeDown { transition: None }), "{:?}", plan.next);
}

#[test]
fn a_challenger_runs_its_own_number_of_pods_next_to_all_of_main() {
    let main = version("1.0.0", "Production", approved_for_staging("1.0.0"));
    let versions = vec![main, version("1.1.0", "Staging", approved_for_staging("1.1.0"))];
    let plan = plan(&challenged(&main_is("1.0.0"), versions), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 2)]);
    assert!(matches!(plan.next, Next::Keep));
}

#[test]
fn the_pods_of_a_challenger_are_made_before_anybody_knows_whether_it_fits() {
    let mut unknown = approved_for_staging("1.1.0");
    unknown["model"] = Value::Null;
    let main = version("1.0.0", "Production", approved_for_staging("1.0.0"));
    let plan = plan(&challenged(&main_is("1.0.0"), vec![main, version("1.1.0", "Staging", unknown)]), now());
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 2)]);
}

#[test]
fn a_version_that_may_not_be_challenger_runs_what_its_stage_gives_it() {
    let main = || version("1.0.0", "Production", approved_for_staging("1.0.0"));
    let stages = [("Staging", vec![("1.0.0", 3), ("1.1.0", 1)]), ("None", vec![("1.0.0", 3)])];
    for (stage, expected) in stages {
        let unapproved = version("1.1.0", stage, json!({}));
        let plan = plan(&challenged(&main_is("1.0.0"), vec![main(), unapproved]), now());
        assert_eq!(serve(&plan), expected, "in stage {stage}");
    }
}

#[test]
fn a_challenger_that_is_promoted_keeps_its_pods() {
    let mut status = approved_for_staging("1.1.0");
    status["transition"] = approved("1.1.0", "b2", "Staging", "Production", NOW)["transition"].clone();
    let main = version("1.0.0", "Production", approved_for_staging("1.0.0"));
    let plan = plan(&challenged(&main_is("1.0.0"), vec![main, version("1.1.0", "Staging", status)]), now());
    assert_eq!(promoted(&plan).map(|c| c.version.spec.version.as_str()), Some("1.1.0"));
    assert_eq!(serve(&plan), [("1.0.0", 3), ("1.1.0", 3)]);
}

#[test]
fn callers_leave_a_main_that_was_deleted_before_another_version_takes_its_number() {
    let again = || version("1.0.0", "Staging", approved("1.0.0", "e5", "Staging", "Production", NOW));
    let after = plan(&observed(&json!({}), &main_is("1.0.0"), vec![again()]), now());
    assert!(matches!(after.next, Next::TakeDown { transition: None }), "{:?}", after.next);
    let without_main = plan(&observed(&json!({}), &json!({}), vec![again()]), now());
    assert!(matches!(without_main.next, Next::Promote(_)), "{:?}", without_main.next);
}
