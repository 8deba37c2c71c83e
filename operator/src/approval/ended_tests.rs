//! Stages and requests that end without a decision of a person: replaced, timed out, or of a deleted deployment.

use rstest::rstest;
use serde_json::{Value, json};
use understudy_crds::{ModelVersion, condition};

use super::{
    tests::{approval_by, deployment, main_is, observed, pending, rolling_out, step, version},
    *,
};
use crate::{
    approval::{conditions, record},
    fixtures::{self, NOW, approval, now, request, superseded, with},
};

/// 1.3.0 is rolling out, and the deployment reports this about the change of main.
fn rolling_out_with(rollout: Value) -> Observed {
    let status = rolling_out();
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), status));
    let base = json!({
        "version": "1.3.0", "modelVersion": "fraud-1.3.0", "transition": fixtures::REQUEST, "since": NOW,
        "deadlineExceeded": true, "message": "0 of 2 pods of 1.3.0 are ready",
    });
    o.deployment = Some(deployment(&json!({"rollout": with(base, rollout)})));
    o
}

#[test]
fn an_approved_version_that_did_not_become_main_in_time_stays_in_its_stage_and_says_why() {
    let o = rolling_out_with(json!({}));
    let after = record::apply(&o, &step(&o), None, now());
    assert_eq!(
        (after.stage, after.transition.as_ref(), after.settled_generation),
        (Stage::Staging, None, Some(4))
    );
    let entry = after.history.last().expect("an entry");
    assert_eq!((entry.decision, entry.id.as_str()), (Decision::TimedOut, "6f1c2b-end"));
    assert_eq!(entry.reason.as_deref(), Some("0 of 2 pods of 1.3.0 are ready"));
    let ready = condition::find(&after.conditions, condition::READY).expect("a condition");
    assert_eq!((ready.status.as_str(), ready.reason.as_str()), ("False", "TimedOut"));
    assert!(ready.message.contains("0 of 2 pods"), "{}", ready.message);
    assert!(condition::is_true(&after.conditions, condition::STALLED));
}

#[rstest]
#[case::the_deadline_is_not_over(json!({"deadlineExceeded": false}))]
#[case::another_request_timed_out(json!({"transition": "ffffff"}))]
#[case::another_version_timed_out(json!({"modelVersion": "fraud-1.4.0"}))]
fn an_approved_request_stays_open_while(#[case] rollout: Value) {
    assert_eq!(decide(&rolling_out_with(rollout), now()), NextStep::Rest);
}

#[test]
fn a_version_that_became_main_does_not_time_out() {
    let mut o = rolling_out_with(json!({}));
    let mut status = main_is("1.3.0", fixtures::REQUEST, "Promoted");
    status["rollout"] = serde_json::to_value(
        &o.deployment.as_ref().and_then(|md| md.status.as_ref()).expect("a status").rollout,
    )
    .expect("JSON");
    o.deployment = Some(deployment(&status));
    assert_eq!(step(&o), Step::Complete { stage: Stage::Production });
}

#[rstest]
#[case::it_was_only_approved(json!([approval("1.3.0", "Production")]), Some(reasons::Hold::NoSuchStep))]
#[case::it_was_main(json!([approval("1.3.0", "Production"), superseded("1.3.0")]), None)]
fn an_archived_version_returns_to_production_only_if_it_was_there(
    #[case] history: Value,
    #[case] held: Option<reasons::Hold>,
) {
    let alice = json!({"understudy.dev/requested-by": "alice"});
    let o = observed(version("Archived", "Production", &alice, json!({"history": history})));
    match (decide(&o, now()), held) {
        (NextStep::Hold(hold), Some(reason)) => assert_eq!(hold.reason, reason),
        (NextStep::Act(Step::Open(transition)), None) => assert_eq!(transition.from, Stage::Archived),
        (other, _) => panic!("{other:?}"),
    }
}

#[test]
fn a_version_that_was_replaced_before_its_stage_followed_is_archived() {
    let status = rolling_out();
    let mut o = observed(version("Staging", "Production", &approval_by("bob"), status));
    let mut replaced = main_is("9.9.9", "ffffff", "Promoted");
    let mut record = replaced["history"][0].clone();
    record["transition"] = json!(fixtures::REQUEST);
    replaced["history"].as_array_mut().expect("a history").insert(0, record);
    o.deployment = Some(deployment(&replaced));
    let after = record::apply(&o, &step(&o), None, now());
    assert_eq!((after.stage, after.transition.as_ref()), (Stage::Archived, None));
    assert_eq!(after.history.last().map(|h| h.decision), Some(Decision::Superseded));
}

#[test]
fn a_withdrawal_after_the_approval_gets_an_entry_with_an_id_of_its_own() {
    let status = rolling_out();
    let o = observed(version("Staging", "Staging", &approval_by("bob"), status));
    let after = record::apply(&o, &step(&o), None, now());
    assert_eq!(after.history[1].decision, Decision::Withdrawn);
    // The API server refuses two entries with one id.
    assert_eq!((after.history[0].id.as_str(), after.history[1].id.as_str()), ("6f1c2b", "6f1c2b-end"));
    assert!(after.history.iter().all(|entry| entry.is_of(fixtures::REQUEST)));
}

#[test]
fn when_the_deployment_is_deleted_its_versions_are_retired_and_keep_their_record() {
    let mut o = observed(version("Production", "Production", &json!({}), json!({})));
    o.deployment = None;
    let after = record::apply(&o, &step(&o), None, now());
    assert_eq!((after.stage, after.history[0].decision), (Stage::Archived, Decision::Retired));
}

/// As [`observed`], and everything was decided under the deployment with this uid.
fn decided_under(uid: &str, stage: &str, status: Value) -> Observed {
    let status = with(status, json!({"deploymentUid": uid}));
    observed(version(stage, "Production", &json!({"understudy.dev/requested-by": "alice"}), status))
}

#[test]
fn a_version_in_production_is_archived_if_its_deployment_was_deleted_and_created_again_unseen() {
    // Older operators recorded no uid.
    let unknown = observed(version("Production", "Production", &json!({}), json!({})));
    for o in [unknown, decided_under("uid-of-the-deleted", "Production", json!({}))] {
        let after = record::apply(&o, &step(&o), None, now());
        assert_eq!((after.stage, after.history[0].decision), (Stage::Archived, Decision::Retired));
        let reason = after.history[0].reason.as_deref().unwrap_or_default();
        assert!(reason.contains("ModelDeployment fraud"), "{reason}");
        assert_eq!(after.deployment_uid.as_deref(), Some("uid-of-fraud"));
        let settled = Observed { version: ModelVersion { status: Some(after), ..o.version.clone() }, ..o };
        assert_eq!(decide(&settled, now()), NextStep::Rest);
    }
}

#[test]
fn what_was_decided_under_a_deleted_deployment_ends_also_if_nobody_saw_the_deletion() {
    let staged = decided_under("uid-of-the-deleted", "Staging", rolling_out());
    let after = record::apply(&staged, &step(&staged), None, now());
    assert_eq!((after.stage, after.transition.as_ref()), (Stage::Archived, None));
    assert_eq!(after.history[1].decision, Decision::Retired);

    let open = decided_under("uid-of-the-deleted", "Archived", pending("Production", "Archived"));
    let after = record::apply(&open, &step(&open), None, now());
    assert_eq!((after.stage, after.history[0].decision), (Stage::Archived, Decision::Withdrawn));
}

#[test]
fn what_was_decided_under_the_present_deployment_stays() {
    let staged = decided_under("uid-of-fraud", "Staging", rolling_out());
    assert_eq!(decide(&staged, now()), NextStep::Rest);
    let mut main = decided_under(
        "uid-of-the-deleted",
        "Production",
        json!({"history": [approval("1.3.0", "Production")]}),
    );
    main.deployment = Some(deployment(&fixtures::main_is("1.3.0")));
    assert_eq!(decide(&main, now()), NextStep::Rest, "a rollback made it main of the new deployment");
    let status = conditions::status(&main, None, now());
    assert_eq!(status.deployment_uid.as_deref(), Some("uid-of-fraud"));
}

#[test]
fn a_version_that_leaves_production_by_its_own_request_is_not_retired() {
    let status = json!({"transition": fixtures::approved(request("1.3.0", "Production", "Staging"))});
    let o = observed(version("Production", "Staging", &json!({}), status));
    assert_eq!(step(&o), Step::Complete { stage: Stage::Staging });
}

#[test]
fn a_version_that_was_deleted_and_created_again_is_not_main_because_of_its_name() {
    let mut o = observed(version("None", "None", &json!({}), json!({})));
    o.deployment = Some(deployment(&fixtures::main_is("1.3.0")));
    assert_eq!(decide(&o, now()), NextStep::Rest);
}
