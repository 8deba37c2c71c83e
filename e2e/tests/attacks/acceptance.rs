//! Verdicts: only a tester gives them, in their own name, on a version in Staging.

use serde_json::json;
use understudy_crds::limits;

use crate::{
    people::{ALICE, BOB, TESS},
    world::{World, accept, refused},
};

#[tokio::test]
async fn a_tester_can_give_and_change_a_verdict() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.annotate(TESS, accept("failed", "tess")).await.unwrap();
    w.annotate(TESS, accept("passed", "tess")).await.unwrap();
}

#[tokio::test]
async fn a_person_who_may_request_and_approve_cannot_give_a_verdict() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    refused(w.annotate(ALICE, accept("passed", "alice")).await, 403, "needs the verb test on stages/staging");
}

#[tokio::test]
async fn a_verdict_in_another_persons_name_is_refused() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    refused(w.annotate(ALICE, accept("passed", "tess")).await, 403, "understudy.dev/accepted-by: alice");
    refused(w.annotate(TESS, accept("passed", "bob")).await, 403, "understudy.dev/accepted-by: tess");
}

#[tokio::test]
async fn only_a_tester_can_change_a_failed_verdict() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.annotate(TESS, accept("failed", "tess")).await.unwrap();
    let turned = json!({"understudy.dev/accept": "passed"});
    refused(w.annotate(BOB, turned).await, 403, "understudy.dev/accepted-by: bob");
}

#[tokio::test]
async fn feedback_that_the_record_cannot_hold_is_refused_where_it_is_written() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    let feedback = |count: usize| {
        let mut verdict = accept("passed", "tess");
        verdict["understudy.dev/feedback"] = json!("é".repeat(count));
        verdict
    };
    let words = "understudy.dev/feedback has 4097 characters, at most 4096 are allowed";
    refused(w.annotate(TESS, feedback(limits::FEEDBACK + 1)).await, 422, words);
    w.annotate(TESS, feedback(limits::FEEDBACK)).await.unwrap();
}

#[tokio::test]
async fn a_verdict_other_than_passed_or_failed_is_refused() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    refused(w.annotate(TESS, accept("yes", "tess")).await, 422, "understudy.dev/accept is passed or failed");
}

#[tokio::test]
async fn a_verdict_on_a_version_outside_staging_is_refused() {
    for stage in ["None", "Production", "Archived"] {
        let w = World::new().await;
        w.in_stage(stage).await;
        let words = format!("a verdict is given on a version in Staging, this one is in {stage}");
        refused(w.annotate(TESS, accept("passed", "tess")).await, 403, &words);
    }
}
