//! How many people approve, and what they say.

use std::sync::Arc;

use serde_json::{Value, json};
use understudy_crds::{Decision, ModelVersionStatus, Stage};

use super::*;
use crate::{
    approval::{
        conditions,
        decide::{
            NextStep, Step, decide,
            tests::{deployment, hold, observed, step, version},
        },
        record,
    },
    fixtures::{NOW, main_is, now, proven, request, with},
    reasons,
};

/// A request of this person for Staging, which needs two approvers, with these annotations and this part of the request.
fn asked(by: &str, annotations: Value, parts: Value) -> Observed {
    let open = with(with(request("1.3.0", "None", "Staging"), json!({"requestedBy": by})), parts);
    let named = with(json!({"understudy.dev/requested-by": by}), annotations);
    let mut o = observed(version("None", "Staging", &named, json!({"transition": open})));
    o.rules.approvers = 2;
    o
}

fn approves(by: &str) -> Value {
    json!({"understudy.dev/approve": "6f1c2b", "understudy.dev/approved-by": by})
}

fn approved_by(by: &str) -> Value {
    json!({"approvers": 2, "approvals": [{"by": by, "at": NOW}]})
}

/// The status after the step that is due.
fn after(o: &Observed) -> ModelVersionStatus {
    record::apply(o, &step(o), None, now())
}

#[test]
fn the_first_of_two_approvals_is_recorded_and_changes_no_stage() {
    let status = after(&asked("alice", approves("bob"), json!({})));
    let open = status.transition.expect("the request stays open");
    assert_eq!((open.approved.as_deref(), open.approvers), (Some("1 of 2"), 2));
    assert_eq!(open.approvals.iter().map(|grant| grant.by.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!((status.stage, open.approval, status.history.len()), (Stage::None, None, 0));
}

#[test]
fn the_second_approval_completes_the_request_and_the_history_names_both() {
    let status = after(&asked("alice", approves("carol"), approved_by("bob")));
    assert_eq!((status.stage, &status.transition), (Stage::Staging, &None));
    let entry = &status.history[0];
    assert_eq!((entry.decision, entry.decided_by.as_str()), (Decision::Approved, "carol"));
    assert_eq!(entry.approvals.iter().map(|grant| grant.by.as_str()).collect::<Vec<_>>(), ["bob", "carol"]);
}

#[test]
fn nobody_counts_twice() {
    assert_eq!(decide(&asked("alice", approves("bob"), approved_by("bob")), now()), NextStep::Rest);
}

#[test]
fn the_requester_does_not_count_beside_another_approver() {
    let own = asked("alice", approves("alice"), approved_by("bob"));
    assert_eq!(hold(&own).reason, reasons::Hold::FourEyes);
}

#[test]
fn a_request_by_a_service_account_needs_one_approver_more() {
    let mut o = asked("system:serviceaccount:ci:pipeline", approves("bob"), json!({}));
    o.rules.approvers = 1;
    assert_eq!(after(&o).transition.and_then(|open| open.approved).as_deref(), Some("1 of 2"));
    let request = json!({"understudy.dev/requested-by": "system:serviceaccount:ci:pipeline"});
    let opened = step(&observed(version("None", "Staging", &request, json!({}))));
    let Step::Open(open) = opened else { panic!("it is not opened: {opened:?}") };
    assert_eq!((open.approvers, open.approved.as_deref()), (2, Some("0 of 2")));
}

#[test]
fn an_open_request_needs_more_approvers_once_the_rules_say_so_and_never_fewer() {
    let mut o = asked("alice", approves("bob"), json!({"approvers": 3}));
    assert_eq!(after(&o).transition.map(|open| open.approvers), Some(3));
    o.rules.approvers = 4;
    assert_eq!(after(&o).transition.map(|open| open.approvers), Some(4));
}

#[test]
fn a_request_of_an_older_operator_needs_what_the_rules_say_now() {
    let mut o = asked("alice", approves("bob"), json!({}));
    o.rules.approvers = 1;
    assert_eq!(after(&o).stage, Stage::Staging);
}

#[test]
fn requirements_hold_back_the_last_approval_and_not_the_first() {
    let open = with(request("1.3.0", "Staging", "Production"), json!({"approvers": 2}));
    let annotations = with(json!({"understudy.dev/requested-by": "alice"}), approves("bob"));
    let untested = observed(version("Staging", "Production", &annotations, json!({"transition": open})));
    assert_eq!(after(&untested).transition.and_then(|open| open.approved).as_deref(), Some("1 of 2"));
    let open = with(open, approved_by("carol"));
    let last = observed(version("Staging", "Production", &annotations, json!({"transition": open})));
    assert_eq!(hold(&last).reason, reasons::Hold::AcceptanceMissing);
}

#[test]
fn the_conditions_say_how_many_people_have_approved_and_who() {
    let o = asked("alice", json!({}), approved_by("bob"));
    let status = conditions::status(&o, None, now());
    let messages: Vec<_> = status.conditions.iter().map(|c| c.message.as_str()).collect();
    assert!(messages.iter().any(|m| m.contains("1 of 2 people have approved (bob)")), "{messages:?}");
    assert_eq!(status.transition.and_then(|open| open.approved).as_deref(), Some("1 of 2"));
}

#[test]
fn a_comment_belongs_to_the_act_whose_write_changed_it() {
    let said = |comment: &str| json!({"understudy.dev/reason": comment});
    let request = with(json!({"understudy.dev/requested-by": "alice"}), said("retrained"));
    let mut o = observed(version("None", "Staging", &request, json!({})));
    let opened = after(&o);
    let open = opened.transition.clone().expect("it is opened");
    assert_eq!(open.comment.as_deref(), Some("retrained"));

    o.version.status = Some(opened);
    let annotate = |o: &Observed, annotations: Value| {
        let mut o = o.clone();
        let all = o.version.metadata.annotations.get_or_insert_default();
        for (key, value) in annotations.as_object().expect("annotations") {
            all.insert(key.clone(), value.as_str().expect("a text").to_owned());
        }
        o
    };
    let approval = json!({"understudy.dev/approve": open.id, "understudy.dev/approved-by": "bob"});
    let silent = after(&annotate(&o, approval.clone()));
    let entry = &silent.history[0];
    assert_eq!((entry.comment.as_deref(), &entry.approvals[0].comment), (Some("retrained"), &None));
    let spoken = after(&annotate(&o, with(approval, said("auc is better"))));
    let entry = &spoken.history[0];
    assert_eq!(entry.comment.as_deref(), Some("retrained"));
    assert_eq!(entry.approvals[0].comment.as_deref(), Some("auc is better"));

    let rejection = json!({"understudy.dev/reject": open.id, "understudy.dev/rejected-by": "bob"});
    let rejected = after(&annotate(&o, with(rejection, said("recall fell"))));
    let entry = &rejected.history[0];
    assert_eq!((entry.comment.as_deref(), entry.reason.as_deref()), (Some("retrained"), Some("recall fell")));
}

#[test]
fn a_request_that_the_operator_opens_again_keeps_its_comment() {
    let policy_changed = Step::Close { decision: Decision::Withdrawn, by: record_operator(), reason: None };
    let annotations = with(approves("bob"), json!({"understudy.dev/reason": "looks good"}));
    let mut o = asked("alice", annotations, json!({"comment": "retrained"}));
    o.version.status = Some(record::apply(&o, &policy_changed, None, now()));
    let Step::Open(open) = step(&o) else { panic!("it is not opened again") };
    assert_eq!(open.comment.as_deref(), Some("retrained"), "the approver's comment is not the requester's");
}

fn record_operator() -> String {
    crate::approval::step::OPERATOR.to_owned()
}

#[test]
fn a_failed_verdict_counts_before_an_approval_that_was_written_beside_it() {
    let annotations = with(
        with(json!({"understudy.dev/requested-by": "alice"}), approves("bob")),
        json!({"understudy.dev/accept": "failed", "understudy.dev/accepted-by": "tess"}),
    );
    let passed = json!({"verdict": "Passed", "by": "tess", "at": NOW});
    let status = json!({"transition": request("1.3.0", "Staging", "Production"), "acceptance": passed});
    let mut o = observed(version("Staging", "Production", &annotations, status));
    let verdict = step(&o);
    assert!(matches!(verdict, Step::Accept(_)), "{verdict:?}");
    o.version.status = Some(record::apply(&o, &verdict, None, now()));
    assert_eq!(hold(&o).reason, reasons::Hold::AcceptanceFailed);
}

/// A version of this number in Staging with an approval for Production, whose main takes `features` and returns `scores`.
fn replacing_main(number: &str, inputs: Value) -> Observed {
    let model = |inputs: Value| {
        let scores = json!([{"name": "scores", "datatype": "FP32", "shape": [-1, 2]}]);
        json!({"inputs": inputs, "outputs": scores, "opset": 17, "bytes": 1})
    };
    let features = json!([{"name": "features", "datatype": "FP32", "shape": [-1, 30]}]);
    let main = crate::fixtures::version(
        "1.2.0",
        json!({"status": with(proven("1.2.0", "Production"), json!({"model": model(features)}))}),
    );
    let passed = json!({"verdict": "Passed", "by": "tess", "at": NOW});
    let open = request(number, "Staging", "Production");
    let status =
        json!({"stage": "Staging", "transition": open, "acceptance": passed, "model": model(inputs)});
    let annotations = with(json!({"understudy.dev/requested-by": "alice"}), approves("bob"));
    let version = crate::fixtures::version(
        number,
        json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Production"}, "status": status}),
    );
    let mut o = observed(version);
    o.deployment = Some(deployment(&main_is("1.2.0")));
    o.main = Some(Arc::new(main));
    o
}

#[test]
fn a_version_that_breaks_mains_callers_needs_a_new_major_version_number() {
    let age = json!([{"name": "age", "datatype": "INT64", "shape": [-1, 1]}]);
    let held = hold(&replacing_main("1.3.0", age.clone()));
    assert_eq!(held.reason, reasons::Hold::SignatureBreaking);
    assert!(held.message.contains("BREAKING for callers of 1.2.0: main has the input features"), "{held:?}");
    assert!(held.message.contains("new major version number"), "{held:?}");

    let major = replacing_main("2.0.0", age);
    let status = conditions::status(&major, None, now());
    let open = status.transition.expect("it is open");
    assert!(open.breaking.is_some_and(|b| b.contains("2.0.0 does not have")));
    let mut recorded = major.clone();
    recorded.version.status = Some(conditions::status(&major, None, now()));
    assert!(after(&recorded).history[0].breaking.is_some());

    let same = json!([{"name": "features", "datatype": "FP32", "shape": [-1, 30]}]);
    assert!(after(&replacing_main("1.3.0", same)).history[0].breaking.is_none());
}
