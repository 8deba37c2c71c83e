//! Rejections obey the same rules as approvals, but for the four eyes.

use serde_json::json;

use crate::{
    people::{ALICE, BOB, CAROL},
    world::{World, approve, refused, reject},
};

#[tokio::test]
async fn a_rejection_with_its_reason_passes() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, reject("6f1c2b", "bob")).await.unwrap();
}

#[tokio::test]
async fn a_rejection_names_the_pending_request_and_its_author() {
    let w = World::new().await;
    w.pending().await;
    refused(
        w.annotate(BOB, reject("000000", "bob")).await,
        403,
        "this rejection matches no pending transition",
    );
    refused(w.annotate(BOB, reject("6f1c2b", "alice")).await, 403, "understudy.dev/rejected-by: bob");
}

#[tokio::test]
async fn a_rejections_reason_is_nobody_elses_to_change() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, reject("6f1c2b", "bob")).await.unwrap();
    let words = "understudy.dev/rejected-by: alice";
    refused(w.annotate(ALICE, json!({"understudy.dev/reason": "no reason"})).await, 403, words);
    refused(w.annotate(ALICE, json!({"understudy.dev/reason": null})).await, 403, words);
}

#[tokio::test]
async fn rejecting_takes_the_verb_to_approve() {
    let w = World::new().await;
    w.pending().await;
    w.bind("understudy-requester", CAROL).await;
    refused(
        w.annotate(CAROL, reject("6f1c2b", "carol")).await,
        403,
        "needs the verb approve on stages/production",
    );
}

#[tokio::test]
async fn one_write_does_not_approve_and_reject() {
    let w = World::new().await;
    w.pending().await;
    let mut both = approve("6f1c2b", "bob");
    both.as_object_mut().unwrap().extend(reject("6f1c2b", "bob").as_object().unwrap().clone());
    refused(w.annotate(BOB, both).await, 403, "one write does one thing");
}
