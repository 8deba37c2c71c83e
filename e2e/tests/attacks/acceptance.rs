//! Verdicts on a version in Staging are a tester's, in the tester's own name.

use serde_json::json;

use crate::{
    people::{ALICE, BOB, TESS},
    world::{World, accept, refused},
};

#[tokio::test]
async fn a_testers_verdict_passes_and_can_be_changed() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.annotate(TESS, accept("failed", "tess")).await.unwrap();
    w.annotate(TESS, accept("passed", "tess")).await.unwrap();
}

#[tokio::test]
async fn whoever_may_request_and_approve_may_not_give_the_verdict() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    refused(w.annotate(ALICE, accept("passed", "alice")).await, 403, "needs the verb test on stages/staging");
}

#[tokio::test]
async fn a_verdict_in_somebody_elses_name_is_refused() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    refused(w.annotate(ALICE, accept("passed", "tess")).await, 403, "understudy.dev/accepted-by: alice");
    refused(w.annotate(TESS, accept("passed", "bob")).await, 403, "understudy.dev/accepted-by: tess");
}

#[tokio::test]
async fn a_failed_verdict_cannot_be_turned_by_whoever_is_not_tester() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.annotate(TESS, accept("failed", "tess")).await.unwrap();
    let turned = json!({"understudy.dev/accept": "passed"});
    refused(w.annotate(BOB, turned).await, 403, "understudy.dev/accepted-by: bob");
}

#[tokio::test]
async fn a_verdict_is_passed_or_failed() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    refused(w.annotate(TESS, accept("yes", "tess")).await, 422, "understudy.dev/accept is passed or failed");
}

#[tokio::test]
async fn a_verdict_is_given_on_what_is_in_staging() {
    for stage in ["None", "Production", "Archived"] {
        let w = World::new().await;
        w.in_stage(stage).await;
        let words = format!("a verdict is given on a version in Staging, this one is in {stage}");
        refused(w.annotate(TESS, accept("passed", "tess")).await, 403, &words);
    }
}
