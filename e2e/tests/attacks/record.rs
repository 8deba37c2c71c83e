//! A12, A13, and the record itself: nobody but the operator writes it, and the operator cannot write it false.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use crate::{
    people::{ALICE, BOB, OPERATOR, ROOT},
    world::{MODEL, World, approve, entry, refused, transition},
};

const NOT_THE_OPERATOR: &str = "only the operator writes the status";
const NOBODY_GAVE: &str = "an approval that nobody gave cannot be recorded";

#[tokio::test]
async fn a12_the_status_is_nobody_elses_cluster_admin_included() {
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
async fn a12_people_with_roles_have_no_right_on_the_status_in_the_first_place() {
    let w = World::new().await;
    w.pending().await;
    refused(w.record_as(BOB, json!({"stage": "Production"}), false).await, 403, "cannot patch resource");
}

#[tokio::test]
async fn a12_a_write_of_the_object_does_not_reach_its_status() {
    let w = World::new().await;
    w.pending().await;
    let after = w.edit(ALICE, json!({"status": {"stage": "Production"}})).await.unwrap();
    assert_eq!(after.stage(), understudy_crds::Stage::Staging);
}

#[tokio::test]
async fn a12_the_status_of_a_model_deployment_is_the_operators_too() {
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
async fn a13_the_history_only_grows_also_for_the_operators_account() {
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
async fn a13_a_status_cannot_be_thrown_away_whole() {
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

/// The operator's probe is this very write: were it accepted, the policy would be gone.
#[tokio::test]
async fn a17_the_probe_of_the_gate_is_refused_while_the_policy_is_there() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let probe = json!({"history": [entry("probe", "nobody", "Approved", "nobody")]});
    let words = "four eyes: an approval by its own requester cannot be recorded";
    refused(w.record_as(OPERATOR, probe, true).await, 403, words);
}

#[tokio::test]
async fn a19_the_record_knows_two_accounts_of_one_person_too() {
    let w = World::new().await;
    w.pending().await;
    let forged = json!({"history": [entry("6f1c2b", "alice", "Approved", "alice-admin")]});
    refused(w.record(forged).await, 403, "four eyes");
}

#[tokio::test]
async fn an_operator_gone_astray_cannot_record_an_approval_that_nobody_gave() {
    let w = World::new().await;
    let pending = w.pending().await;
    let mut granted = transition("6f1c2b", pending.metadata.generation.unwrap());
    granted["approval"] = json!({"by": "bob", "at": "2026-11-21T10:00:00Z"});
    let forged = json!({"stage": "Production", "history": [entry("6f1c2b", "alice", "Approved", "bob")]});
    refused(w.record(forged.clone()).await, 403, NOBODY_GAVE);
    refused(w.record(json!({"transition": granted})).await, 403, NOBODY_GAVE);

    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let mut other = granted.clone();
    other["approval"]["by"] = json!("carol");
    refused(w.record(json!({"transition": other})).await, 403, NOBODY_GAVE);
    w.record(json!({"transition": granted})).await.unwrap();

    // The annotation has done its work: the grant stands without it.
    let gone = json!({"understudy.dev/approve": null, "understudy.dev/approved-by": null});
    w.annotate(ALICE, gone).await.unwrap();
    w.record(forged).await.unwrap();
}
