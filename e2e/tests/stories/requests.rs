//! Requests that end without effect. Main serves the whole time.

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::{
    Decision, ModelDeployment, Stage,
    condition::{APPROVABLE, STALLED},
};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, with_temp_ns};

use crate::reported::{await_decision, await_reported, has_condition};

/// Fails unless an approval of this transition, which is no longer pending, is refused.
async fn cannot_be_approved(story: &Story, name: &str, id: &str) -> Result<()> {
    let outcome = story.approve(Person::Bob, name, id).await;
    let refusal = outcome.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(refusal.contains("matches no pending transition"), "a late approval must be refused: {refusal}");
    Ok(())
}

#[tokio::test]
async fn a_rejection_shows_its_reason_and_stands_until_a_new_request() -> Result<()> {
    with_temp_ns("rejection", async |story| {
        story.serve_main(&json!({})).await?;
        let caller = story.caller().await?;
        let name = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?).await?;
        let request = story.open_request(&name, Stage::Production).await?;
        story.reject(Person::Bob, &name, &request.id, "recall fell for young patients").await?;

        let entry = await_decision(&story, &name, Decision::Rejected).await?;
        assert_eq!((entry.id.as_str(), entry.decided_by.as_str()), (request.id.as_str(), "bob"));
        assert_eq!(entry.reason.as_deref(), Some("recall fell for young patients"));
        let rejected =
            await_reported(&story, &name, STALLED, "Rejected", "recall fell for young patients").await?;
        assert_eq!(rejected.stage(), Stage::Staging);
        cannot_be_approved(&story, &name, &request.id).await?;

        story.request(Person::Alice, &name, Stage::Staging).await?;
        let second = story.open_request(&name, Stage::Production).await?;
        ensure!(second.id != request.id, "a new request must have a new id");
        caller.finish().await?.ensure_all_from(&["1.0.0"])
    })
    .await
}

#[tokio::test]
async fn a_requester_can_withdraw_the_request() -> Result<()> {
    with_temp_ns("withdrawal", async |story| {
        story.serve_main(&json!({})).await?;
        let caller = story.caller().await?;
        let name = story.publish(&Publication::of(Sample::V1_1_0)?).await?;
        let request = story.open_request(&name, Stage::Staging).await?;
        story.request(Person::Alice, &name, Stage::None).await?;

        let entry = await_decision(&story, &name, Decision::Withdrawn).await?;
        assert_eq!((entry.id.as_str(), entry.decided_by.as_str()), (request.id.as_str(), "alice"));
        let withdrawn = story.await_stage(&name, Stage::None).await?;
        ensure!(withdrawn.transition().is_none(), "no transition must be pending");
        story.await_event("ModelVersion", &name, "Withdrawn", "").await?;
        cannot_be_approved(&story, &name, &request.id).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])
    })
    .await
}

#[tokio::test]
async fn a_request_without_a_decision_expires() -> Result<()> {
    with_temp_ns("expiry", async |story| {
        story.serve_main(&json!({})).await?;
        let caller = story.caller().await?;
        let soon = json!({"spec": {"approval": {"expiresAfter": "3s"}}});
        let patch = kube::api::Patch::Merge(soon);
        story.api::<ModelDeployment>().patch(MODEL, &kube::api::PatchParams::default(), &patch).await?;

        let name = story.publish(&Publication::of(Sample::V1_1_0)?).await?;
        let request = story.open_request(&name, Stage::Staging).await?;
        ensure!(request.expires_at.is_some(), "a request must have an expiry time");
        story
            .await_version("waiting", &name, |v| {
                has_condition(v, APPROVABLE, "WaitingForApproval", &request.id) || v.transition().is_none()
            })
            .await?;
        let entry = await_decision(&story, &name, Decision::Expired).await?;
        assert_eq!(
            (entry.id.as_str(), entry.decided_by.as_str()),
            (request.id.as_str(), "understudy-operator")
        );
        ensure!(entry.decided_at >= request.expires_at.expect("checked above"), "expired too early");
        let expired = await_reported(&story, &name, STALLED, "Expired", "nobody decided until").await?;
        assert_eq!(expired.stage(), Stage::None);
        cannot_be_approved(&story, &name, &request.id).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])
    })
    .await
}
