//! Where the API server stamps names (Kubernetes 1.36), people need not write their names, and false names have no effect.

use kube::ResourceExt;
use serde_json::json;
use understudy_crds::annotations;

use crate::{
    people::{ALICE, BOB, TESS},
    world::{World, approve, refused, request},
};

#[tokio::test]
async fn a_requester_need_not_write_their_name() {
    let w = World::stamped().await;
    w.published().await;
    let requested = w.edit(ALICE, json!({"spec": {"stage": "Staging"}})).await.unwrap();
    assert_eq!(requested.annotations()[annotations::REQUESTED_BY], "alice");
}

#[tokio::test]
async fn a2_a_false_name_is_replaced_by_the_true_one() {
    let w = World::stamped().await;
    w.published().await;
    let requested = w.edit(ALICE, request("Staging", "bob")).await.unwrap();
    assert_eq!(requested.annotations()[annotations::REQUESTED_BY], "alice");
}

#[tokio::test]
async fn an_approval_is_one_annotation_and_still_requires_a_second_person() {
    let w = World::stamped().await;
    w.pending().await;
    let words = "four eyes: alice requested this transition, somebody else must approve it";
    refused(w.annotate(ALICE, json!({annotations::APPROVE: "6f1c2b"})).await, 403, words);
    refused(w.annotate(ALICE, approve("6f1c2b", "bob")).await, 403, words);
    let approved = w.annotate(BOB, json!({annotations::APPROVE: "6f1c2b"})).await.unwrap();
    assert_eq!(approved.annotations()[annotations::APPROVED_BY], "bob");
}

#[tokio::test]
async fn a_rejection_and_a_verdict_are_stamped_too() {
    let w = World::stamped().await;
    w.pending().await;
    let verdict = w.annotate(TESS, json!({annotations::ACCEPT: "passed"})).await.unwrap();
    assert_eq!(verdict.annotations()[annotations::ACCEPTED_BY], "tess");
    let rejected = w.annotate(BOB, json!({annotations::REJECT: "6f1c2b"})).await.unwrap();
    assert_eq!(rejected.annotations()[annotations::REJECTED_BY], "bob");
}

#[tokio::test]
async fn a_write_that_is_not_an_act_is_not_stamped() {
    let w = World::stamped().await;
    w.published().await;
    let edited = w.annotate(BOB, json!({"team": "risk"})).await.unwrap();
    assert!(!edited.annotations().contains_key(annotations::REQUESTED_BY), "{:?}", edited.annotations());
}
