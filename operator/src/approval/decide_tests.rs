//! The approval, rule by rule.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use understudy_crds::{Approval, ModelDeployment, ModelVersion, condition};

use super::*;
use crate::{
    approval::{conditions, record},
    cluster::pods::{Address, Pods},
    fixtures::{self, NOW, approval, digest, now, request, superseded, with},
};

pub(in crate::approval) fn version(
    stage: &str,
    spec_stage: &str,
    annotations: &Value,
    status: Value,
) -> ModelVersion {
    let spec = json!({"stage": spec_stage, "evaluation": {"metrics": [{"name": "auc", "value": 0.97}]}});
    let status = with(status, json!({"stage": stage}));
    fixtures::version(
        "1.3.0",
        json!({"metadata": {"annotations": annotations}, "spec": spec, "status": status}),
    )
}

pub(in crate::approval) fn deployment(status: &Value) -> Arc<ModelDeployment> {
    Arc::new(fixtures::deployment(json!({"status": status})))
}

pub(in crate::approval) fn observed(version: ModelVersion) -> Observed {
    Observed {
        version,
        deployment: Some(deployment(&json!({}))),
        main: None,
        rules: Approval::default(),
        duplicate_of: None,
        other_in_production: false,
        deployment_unreadable: false,
        unreadable_sibling: None,
        image_refusal: None,
        proof: None,
        pods: Pods { total: 1, ready: 1, ..Pods::default() },
    }
}

pub(in crate::approval) fn pending(to: &str, from: &str) -> Value {
    json!({"transition": request("1.3.0", from, to)})
}

pub(in crate::approval) fn approval_by(name: &str) -> Value {
    json!({"understudy.dev/requested-by": "alice", "understudy.dev/approve": "6f1c2b", "understudy.dev/approved-by": name})
}

pub(in crate::approval) fn hold(observed: &Observed) -> Hold {
    match decide(observed, now()) {
        NextStep::Hold(hold) => hold,
        other => panic!("expected a hold, found {other:?}"),
    }
}

pub(in crate::approval) fn step(observed: &Observed) -> Step {
    match decide(observed, now()) {
        NextStep::Act(step) => step,
        other => panic!("expected a step, found {other:?}"),
    }
}

#[test]
fn a_request_becomes_pending_with_a_fresh_id_its_generation_and_its_digest() {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let asked = observed(version("None", "Staging", &alice, json!({})));
    let (Step::Open(first), Step::Open(second)) = (step(&asked), step(&asked)) else { panic!("not opened") };
    assert_ne!(first.id, second.id);
    assert_eq!((first.from, first.to, first.requested_by.as_str()), (Stage::None, Stage::Staging, "alice"));
    assert_eq!((first.generation, first.digest), (4, digest("1.3.0")));
    assert_eq!(first.expires_at.map(|t| t.0.to_string()).as_deref(), Some("2026-11-28T12:00:00Z"));
}

#[test]
fn a_request_that_names_nobody_does_not_become_pending() {
    assert_eq!(
        hold(&observed(version("None", "Staging", &json!({}), json!({})))).reason,
        reasons::Hold::RequesterUnknown
    );
}

#[test]
fn a_request_that_was_decided_is_not_opened_again() {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let settled = observed(version("Staging", "Production", &alice, json!({"settledGeneration": 4})));
    assert_eq!(decide(&settled, now()), NextStep::Rest);
}

#[test]
fn a_colleagues_approval_is_accepted() {
    let approved = observed(version("None", "Staging", &approval_by("bob"), pending("Staging", "None")));
    assert_eq!(step(&approved), Step::Approve { by: "bob".to_owned(), comment: None });
}

#[test]
fn the_requesters_own_approval_is_rejected_even_if_the_api_server_admitted_it() {
    let own = observed(version("None", "Staging", &approval_by("alice"), pending("Staging", "None")));
    assert_eq!(hold(&own).reason, reasons::Hold::FourEyes);
}

#[test]
fn an_approval_of_another_id_has_no_effect() {
    let mut annotations = approval_by("bob");
    annotations["understudy.dev/approve"] = json!("000000");
    assert_eq!(
        decide(&observed(version("None", "Staging", &annotations, pending("Staging", "None"))), now()),
        NextStep::Rest
    );
}

#[test]
fn an_approval_of_a_request_whose_spec_has_changed_since_withdraws_it() {
    let mut changed = version("None", "Staging", &approval_by("bob"), pending("Staging", "None"));
    changed.metadata.generation = Some(5);
    let Step::Close { decision, .. } = step(&observed(changed)) else { panic!("not closed") };
    assert_eq!(decision, Decision::Withdrawn);
}

#[test]
fn an_id_that_stands_in_the_history_is_never_approved_again() {
    let mut status = pending("Staging", "None");
    status["history"] = json!([{
        "id": "6f1c2b", "from": "None", "to": "Staging", "requestedBy": "alice", "requestedAt": NOW,
        "decision": "Rejected", "decidedBy": "bob", "decidedAt": NOW, "digest": "sha256:0",
    }]);
    let replay = observed(version("None", "Staging", &approval_by("bob"), status));
    assert_eq!(hold(&replay).reason, reasons::Hold::RequestChanged);
}

#[test]
fn a_rejection_ends_the_request_with_its_reason() {
    let annotations = json!({
        "understudy.dev/requested-by": "alice", "understudy.dev/reject": "6f1c2b",
        "understudy.dev/rejected-by": "bob", "understudy.dev/reason": "the holdout leaks",
    });
    let rejected = observed(version("None", "Staging", &annotations, pending("Staging", "None")));
    let expected = Step::Close {
        decision: Decision::Rejected,
        by: "bob".to_owned(),
        reason: Some("the holdout leaks".to_owned()),
    };
    assert_eq!(step(&rejected), expected);
    let after = record::apply(&rejected, &expected, None, now());
    assert_eq!((after.transition, after.settled_generation), (None, Some(4)));
    assert_eq!(after.history[0].decision, Decision::Rejected);
}

#[test]
fn a_request_that_nobody_decides_expires() {
    let mut status = pending("Staging", "None");
    status["transition"]["expiresAt"] = json!(NOW);
    let late = observed(version("None", "Staging", &approval_by("bob"), status));
    let Step::Close { decision, .. } = step(&late) else { panic!("not closed") };
    assert_eq!(decision, Decision::Expired);
}

#[test]
fn setting_the_stage_back_withdraws_the_request() {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let back = observed(version("None", "None", &alice, pending("Staging", "None")));
    let Step::Close { decision, by, .. } = step(&back) else { panic!("not closed") };
    assert_eq!((decision, by.as_str()), (Decision::Withdrawn, "alice"));
}

/// This version is main by this transition, which carol requested and dave approved.
pub(in crate::approval) fn main_is(number: &str, transition: &str, reason: &str) -> Value {
    let mut status = fixtures::main_is(number);
    status["main"]["transition"] = json!(transition);
    status["history"][0]["reason"] = json!(reason);
    status["history"][0]["requestedBy"] = json!("carol");
    status["history"][0]["approvedBy"] = json!("dave");
    status
}

pub(in crate::approval) fn was_main() -> Value {
    json!({"history": [approval("1.3.0", "Production"), superseded("1.3.0")]})
}

pub(in crate::approval) fn rolling_out() -> Value {
    let request = request("1.3.0", "Staging", "Production");
    let history = [fixtures::decided(&request, "Approved", "bob")];
    json!({"transition": fixtures::approved(request), "history": history})
}

#[test]
fn an_approved_version_is_in_production_once_it_is_main() {
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), rolling_out()));
    assert_eq!(decide(&o, now()), NextStep::Rest);
    o.deployment = Some(deployment(&main_is("1.3.0", "6f1c2b", "Promoted")));
    assert_eq!(step(&o), Step::Complete { stage: Stage::Production });
}

#[test]
fn there_is_never_more_than_one_version_in_production() {
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), rolling_out()));
    o.deployment = Some(deployment(&main_is("1.3.0", "6f1c2b", "Promoted")));
    o.other_in_production = true;
    assert_eq!(decide(&o, now()), NextStep::Rest);
}

#[rstest]
#[case("Promoted", Decision::Superseded, "dave")]
#[case("RolledBack", Decision::RolledBack, "carol")]
fn the_version_that_was_replaced_is_archived_and_requests_nothing(
    #[case] reason: &str,
    #[case] decision: Decision,
    #[case] decided_by: &str,
) {
    let mut o = observed(version("Production", "Production", &json!({}), json!({})));
    o.deployment = Some(deployment(&main_is("9.9.9", "ffffff", reason)));
    let archived = step(&o);
    let after = record::apply(&o, &archived, None, now());
    assert_eq!((after.stage, after.settled_generation), (Stage::Archived, Some(4)));
    let entry = &after.history[0];
    assert_eq!(
        (entry.decision, entry.requested_by.as_str(), entry.decided_by.as_str()),
        (decision, "carol", decided_by)
    );
    o.version.status = Some(after);
    assert_eq!(decide(&o, now()), NextStep::Rest);
}

#[test]
fn a_version_that_a_rollback_made_main_is_in_production_and_its_own_request_is_withdrawn() {
    let status = with(was_main(), pending("Staging", "Archived"));
    let mut o = observed(version("Archived", "Staging", &json!({}), status));
    o.deployment = Some(deployment(&main_is("1.3.0", "rollback:1.3.0#1", "RolledBack")));
    let back = step(&o);
    let after = record::apply(&o, &back, None, now());
    assert_eq!((after.stage, after.transition), (Stage::Production, None));
    let decisions: Vec<_> = after.history.iter().skip(2).map(|h| h.decision).collect();
    assert_eq!(decisions, [Decision::Withdrawn, Decision::RolledBack]);
}

#[test]
fn a_request_can_be_withdrawn_after_its_approval_until_it_has_its_effect() {
    let o = observed(version("Staging", "Staging", &approval_by("bob"), rolling_out()));
    let Step::Close { decision, .. } = step(&o) else { panic!("not closed") };
    assert_eq!(decision, Decision::Withdrawn);
    let mut main = o;
    main.deployment = Some(deployment(&main_is("1.3.0", "6f1c2b", "Promoted")));
    assert_eq!(step(&main), Step::Complete { stage: Stage::Production });
}

#[test]
fn a_version_leaves_staging_without_a_second_person() {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let o = observed(version("Staging", "Archived", &alice, json!({})));
    let after = record::apply(&o, &step(&o), None, now());
    assert_eq!((after.stage, after.history[0].decision), (Stage::Archived, Decision::Retired));
}

#[test]
fn the_younger_of_two_versions_with_one_number_waits() {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let mut o = observed(version("None", "Staging", &alice, json!({})));
    o.duplicate_of = Some("fraud-older".to_owned());
    assert_eq!(hold(&o).reason, reasons::Hold::DuplicateVersion);
}

#[test]
fn a_full_history_accepts_no_further_request() {
    let entry = |i: usize| {
        json!({
            "id": i.to_string(), "from": "None", "to": "Staging", "requestedBy": "alice", "requestedAt": NOW,
            "decision": "Expired", "decidedBy": "o", "decidedAt": NOW, "digest": "sha256:0",
        })
    };
    let history: Vec<Value> = (0..=HISTORY_LIMIT - HISTORY_RESERVE).map(entry).collect();
    let alice = json!({"understudy.dev/requested-by": "alice"});
    assert_eq!(
        hold(&observed(version("None", "Staging", &alice, json!({"history": history})))).reason,
        reasons::Hold::HistoryFull
    );
}

#[test]
fn a_testers_verdict_is_recorded_once_even_while_a_request_waits_for_it() {
    let annotations = json!({
        "understudy.dev/requested-by": "alice", "understudy.dev/accept": "passed",
        "understudy.dev/accepted-by": "tess", "understudy.dev/feedback": "all rows agree",
    });
    let mut o = observed(version("Staging", "Production", &annotations, pending("Production", "Staging")));
    let verdict = step(&o);
    let after = record::apply(&o, &verdict, None, now());
    let acceptance = after.acceptance.clone().expect("a verdict");
    assert_eq!((acceptance.verdict, acceptance.by.as_str()), (Verdict::Passed, "tess"));
    o.version.status = Some(after);
    assert_eq!(decide(&o, now()), NextStep::Rest);
}

#[test]
fn an_approval_counts_only_under_the_policy_under_which_it_was_requested() {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let asked = step(&observed(version("None", "Staging", &alice, json!({}))));
    let Step::Open(request) = under(asked, None, Some("policy/1")) else { panic!("not opened") };
    let approve = Step::Approve { by: "bob".to_owned(), comment: None };
    assert_eq!(under(approve.clone(), Some(&request), Some("policy/1")), approve);
    let Step::Close { decision, .. } = under(approve, Some(&request), Some("policy/3")) else {
        panic!("not closed")
    };
    assert_eq!(decision, Decision::Withdrawn);
}

#[test]
fn a_rollback_is_recorded_as_decided_by_the_person_who_rolled_back() {
    let mut o = observed(version("Archived", "Archived", &json!({}), was_main()));
    o.deployment = Some(deployment(&main_is("1.3.0", "rollback:1.3.0#1", "RolledBack")));
    let entry = record::apply(&o, &step(&o), None, now()).history.remove(2);
    assert_eq!((entry.requested_by.as_str(), entry.decided_by.as_str()), ("carol", "carol"));
}

#[rstest]
#[case::just_ready("2026-11-21T12:00:00Z", 1)]
#[case::ready_for_seconds("2026-11-21T11:59:52Z", 8)]
#[case::ready_for_an_hour("2026-11-21T11:00:00Z", 60)]
#[case::by_a_clock_ahead("2026-11-21T12:30:00Z", 1)]
fn a_pod_is_asked_for_its_signature_with_growing_pauses(#[case] since: &str, #[case] seconds: u64) {
    let serving = json!({"conditions": [
        {"type": "Serving", "status": "True", "reason": "Serving", "message": "", "lastTransitionTime": since},
    ]});
    let mut o = observed(version("Staging", "Staging", &json!({}), serving));
    o.pods.ready_addresses = vec![Address { ip: "10.0.0.7".to_owned(), identity: "pod-7".to_owned() }];
    assert_eq!(o.ask_again_after(now()), Some(std::time::Duration::from_secs(seconds)));
    o.pods.ready_addresses.clear();
    assert_eq!(o.ask_again_after(now()), None, "no pod can answer");
}

fn ready(o: &Observed) -> Option<(bool, String)> {
    let status = conditions::status(o, None, now());
    let found = condition::find(&status.conditions, condition::READY)?;
    Some((found.status == "True", found.reason.clone()))
}

#[rstest]
#[case::published("None", "None", json!({}))]
#[case::archived("Archived", "Archived", json!({}))]
#[case::replaced("Archived", "Production", json!({"settledGeneration": 4, "history": [{
    "id": "1", "from": "Production", "to": "Archived", "requestedBy": "carol", "requestedAt": NOW,
    "decision": "Superseded", "decidedBy": "dave", "decidedAt": NOW, "digest": "sha256:0",
}]}))]
fn a_version_that_has_no_pods_and_needs_none_is_not_shown_as_ready(
    #[case] stage: &str,
    #[case] spec_stage: &str,
    #[case] mut status: Value,
) {
    // Versions that an older operator called ready lose the condition.
    status["conditions"] = json!([{"type": "Ready", "status": "True", "reason": "Settled", "message": "", "lastTransitionTime": NOW}]);
    let o = observed(version(stage, spec_stage, &json!({}), status));
    assert_eq!(ready(&o), None);
    let stalled = conditions::status(&o, None, now()).conditions;
    assert!(condition::find(&stalled, condition::STALLED).is_none(), "{stalled:?}");
}

#[test]
fn a_version_that_a_rollback_made_main_is_ready_only_while_its_pods_are() {
    let history = json!({"settledGeneration": 4, "history": [{
        "id": "1", "from": "Archived", "to": "Production", "requestedBy": "carol", "requestedAt": NOW,
        "decision": "RolledBack", "decidedBy": "carol", "decidedAt": NOW, "digest": "sha256:0",
    }]});
    let mut o = observed(version("Production", "Archived", &json!({}), history));
    o.pods = Pods::default();
    assert_eq!(ready(&o), Some((false, "Starting".to_owned())));
    o.pods = Pods { total: 1, ready: 1, ..Pods::default() };
    assert_eq!(ready(&o), Some((true, "Serving".to_owned())));
}
