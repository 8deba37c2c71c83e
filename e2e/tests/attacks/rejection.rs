//! Rejections obey the same rules as approvals, except for the four-eyes rule.

use serde_json::json;
use understudy_crds::limits;

use crate::{
    people::{BOB, CAROL},
    world::{World, approve, entry, refused, reject},
};

#[tokio::test]
async fn a_reviewer_can_reject_with_a_reason() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, reject("6f1c2b", "bob")).await.unwrap();
}

#[tokio::test]
async fn a_rejection_must_name_the_pending_request_and_its_author() {
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
async fn only_the_author_of_a_rejection_can_change_its_reason() {
    let w = World::new().await;
    w.pending().await;
    w.annotate(BOB, reject("6f1c2b", "bob")).await.unwrap();
    w.bind("understudy-requester", CAROL).await;
    let words = "understudy.dev/reason is the comment of an act";
    refused(w.annotate(CAROL, json!({"understudy.dev/reason": "no reason"})).await, 403, words);
    let words = "carol may not take back the rejection of bob";
    refused(w.annotate(CAROL, json!({"understudy.dev/reason": null})).await, 403, words);
    w.annotate(BOB, json!({"understudy.dev/reason": "recall fell by 3 points"})).await.unwrap();
}

#[tokio::test]
async fn a_reason_that_the_record_cannot_hold_is_refused_where_it_is_written() {
    let w = World::new().await;
    w.pending().await;
    let because = |count: usize| {
        let mut rejection = reject("6f1c2b", "bob");
        rejection["understudy.dev/reason"] = json!("é".repeat(count));
        rejection
    };
    let words = "understudy.dev/reason has 1025 characters, at most 1024 are allowed";
    refused(w.annotate(BOB, because(limits::REASON + 1)).await, 422, words);
    w.annotate(BOB, because(limits::REASON)).await.unwrap();
    let mut recorded = entry("6f1c2b", "alice", "Rejected", "bob");
    recorded["reason"] = json!("é".repeat(limits::REASON));
    w.record(json!({"transition": null, "history": [recorded]})).await.unwrap();
}

#[tokio::test]
async fn a_rejection_requires_the_verb_approve() {
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
async fn one_write_cannot_approve_and_reject() {
    let w = World::new().await;
    w.pending().await;
    let mut both = approve("6f1c2b", "bob");
    both.as_object_mut().unwrap().extend(reject("6f1c2b", "bob").as_object().unwrap().clone());
    refused(w.annotate(BOB, both).await, 403, "one write does one thing");
}
