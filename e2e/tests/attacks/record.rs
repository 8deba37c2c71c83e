//! A12, A13: only the operator writes the status, and even the operator cannot record a false approval.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use understudy_crds::{HISTORY_CAPACITY, limits};

use crate::{
    people::{ALICE, BOB, OPERATOR, ROOT},
    world::{MODEL, WHEN, World, approve, entry, granted, refused},
};

const NOT_THE_OPERATOR: &str = "only the operator writes the status";
const NOT_GIVEN: &str = "an approval that nobody gave cannot be recorded";
const TOO_FEW: &str = "a request cannot be recorded as approved by fewer people than it needs";

#[tokio::test]
async fn a12_not_even_a_cluster_admin_can_write_the_status() {
    let w = World::new().await;
    w.pending().await;
    refused(w.record_as(ROOT, json!({"stage": "Production"}), false).await, 403, NOT_THE_OPERATOR);
    refused(w.record_as(ROOT, json!({"transition": null}), false).await, 403, NOT_THE_OPERATOR);
    let mut whole = w.versions(ROOT).get(MODEL).await.unwrap();
    whole.status.as_mut().unwrap().stage = understudy_crds::Stage::Production;
    let replaced = w.versions(ROOT).replace_status(MODEL, &PostParams::default(), &whole).await;
    refused(replaced, 403, NOT_THE_OPERATOR);
}

#[tokio::test]
async fn a12_the_roles_for_people_do_not_allow_writing_the_status() {
    let w = World::new().await;
    w.pending().await;
    refused(w.record_as(BOB, json!({"stage": "Production"}), false).await, 403, "cannot patch resource");
}

#[tokio::test]
async fn a12_a_write_of_the_object_does_not_change_its_status() {
    let w = World::new().await;
    w.pending().await;
    let after = w.edit(ALICE, json!({"status": {"stage": "Production"}})).await.unwrap();
    assert_eq!(after.stage(), understudy_crds::Stage::Staging);
}

#[tokio::test]
async fn a12_only_the_operator_can_write_the_status_of_a_model_deployment() {
    let w = World::new().await;
    let deployment = serde_json::from_value(json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}, "spec": {},
    }));
    w.deployments(ALICE).create(&PostParams::default(), &deployment.unwrap()).await.unwrap();
    let forged = Patch::Merge(json!({"status": {"url": "http://elsewhere"}}));
    let outcome = w.deployments(ROOT).patch_status("fraud", &PatchParams::default(), &forged).await;
    refused(outcome, 403, NOT_THE_OPERATOR);
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &forged).await.unwrap();
}

#[tokio::test]
async fn a13_not_even_the_operator_can_remove_or_change_an_entry_of_the_history() {
    let w = World::new().await;
    w.pending().await;
    let kept = entry("111111", "alice", "Rejected", "bob");
    w.record(json!({"history": [kept]})).await.unwrap();
    let mut rewritten = kept.clone();
    rewritten["decision"] = json!("Expired");
    for history in
        [json!([]), json!(null), json!([entry("222222", "alice", "Rejected", "bob")]), json!([rewritten])]
    {
        let outcome = w.record(json!({"history": history})).await;
        assert!(outcome.is_err(), "{outcome:?}");
    }
    refused(w.record(json!({"history": null})).await, 422, "entries of status.history cannot be removed");
    refused(
        w.record(json!({"history": [rewritten]})).await,
        422,
        "entries of status.history cannot be changed",
    );
    w.record(json!({"history": [kept, entry("222222", "alice", "Expired", OPERATOR.name)]})).await.unwrap();
}

#[tokio::test]
async fn a13_the_whole_status_cannot_be_removed() {
    let w = World::new().await;
    w.pending().await;
    w.record(json!({"history": [entry("111111", "alice", "Rejected", "bob")]})).await.unwrap();
    let outcome = w
        .versions(OPERATOR)
        .patch_status(MODEL, &PatchParams::default(), &Patch::Merge(json!({"status": null})))
        .await;
    assert!(outcome.is_err(), "{outcome:?}");
    let kept = w.versions(OPERATOR).get(MODEL).await.unwrap();
    assert_eq!(kept.history().len(), 1);
}

/// A rollback adds entries even if the history accepts no more requests. The policy compares the old history with the new
/// one, which must stay within its budget.
#[tokio::test]
async fn a_full_history_of_long_entries_can_be_recorded_entry_by_entry_and_cannot_be_changed() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let long = |index: usize| {
        let mut entry = entry(&format!("{index:032}"), &"é".repeat(limits::PERSON), "Superseded", "bob");
        entry["reason"] = json!("é".repeat(limits::REASON));
        entry
    };
    let mut history: Vec<_> = (0..HISTORY_CAPACITY - 1).map(long).collect();
    w.record(json!({"history": history})).await.unwrap();
    history.push(long(HISTORY_CAPACITY));
    w.record(json!({"history": history})).await.unwrap();
    history[HISTORY_CAPACITY / 2]["reason"] = json!("another");
    refused(w.record(json!({"history": history})).await, 422, "entries of status.history cannot be changed");
}

/// The operator checks the policy with this write. If the API server accepts it, the policy is not in force.
#[tokio::test]
async fn a17_the_operators_probe_of_the_policy_is_refused_while_the_policy_is_in_force() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let probe = json!({"history": [entry("probe", "nobody", "Approved", "nobody")]});
    let words = "four eyes: an approval by its own requester cannot be recorded";
    refused(w.record_as(OPERATOR, probe, true).await, 403, words);
}

#[tokio::test]
async fn a1_an_approval_by_several_people_cannot_be_recorded_if_the_requester_is_one_of_them() {
    let w = World::new().await;
    w.pending().await;
    let mut forged = entry("6f1c2b", "alice", "Approved", "bob");
    forged["approvals"] = json!([{"by": "alice", "at": WHEN}, {"by": "bob", "at": WHEN}]);
    refused(w.record(json!({"history": [forged]})).await, 403, "four eyes");
}

#[tokio::test]
async fn the_operator_cannot_record_an_approval_that_nobody_gave() {
    let w = World::new().await;
    let pending = w.pending().await;
    let granted = granted("6f1c2b", pending.metadata.generation.unwrap(), "bob");
    let forged = json!({"stage": "Production", "history": [entry("6f1c2b", "alice", "Approved", "bob")]});
    refused(w.record(forged.clone()).await, 403, NOT_GIVEN);
    refused(w.record(json!({"transition": granted})).await, 403, NOT_GIVEN);

    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let mut other = granted.clone();
    other["approval"]["by"] = json!("carol");
    refused(w.record(json!({"transition": other})).await, 403, TOO_FEW);
    other["approvals"][0]["by"] = json!("carol");
    refused(w.record(json!({"transition": other})).await, 403, NOT_GIVEN);
    let mut record = forged;
    record["transition"] = granted;
    w.record(record).await.unwrap();
}
