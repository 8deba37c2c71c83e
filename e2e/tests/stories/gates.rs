//! The metrics gate: what the evaluation does not show is not promoted, whoever approves it.

use anyhow::{Result, ensure};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage, condition::APPROVABLE};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, with_temp_ns};

use crate::told::tells;

/// Alice asks for Production, the gate says `words`; bob approves all the same, and it still is said.
async fn is_held(story: &Story, name: &str, words: &str) -> Result<()> {
    let request = story.ask(name, Stage::Production).await?;
    tells(story, name, APPROVABLE, "GateFailed", words).await?;
    story.approve(Person::Bob, name, &request.id).await?;
    let approved =
        tells(story, name, APPROVABLE, "GateFailed", &format!("approved by bob, but {words}")).await?;
    assert_eq!(approved.stage(), Stage::Staging);
    ensure!(approved.transition().is_some_and(|t| t.approval.is_none()), "nothing is granted");
    Ok(())
}

#[tokio::test]
async fn a_metric_below_the_gate_holds_even_an_approved_request() -> Result<()> {
    with_temp_ns("gate", async |story| {
        story.serve_main(&json!({"approval": {"gates": [{"metric": "auc", "min": 0.95}]}})).await?;
        let caller = story.caller().await?;
        let poor = Publication::of(Sample::V1_1_0)?.metric("auc", 0.9);
        let name = story.stage_and_accept(&poor).await?;
        is_held(&story, &name, "auc is 0.9, the metric gate requires at least 0.95").await?;
        let unmeasured = Publication::of(Sample::V1_1_0)?.version("1.2.0").metric("accuracy", 0.99);
        let name = story.stage_and_accept(&unmeasured).await?;
        is_held(&story, &name, "the evaluation has no metric auc").await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])
    })
    .await
}

#[tokio::test]
async fn a_version_worse_than_main_is_held_until_a_governor_opens_the_gate() -> Result<()> {
    with_temp_ns("gate", async |story| {
        story
            .serve_main(&json!({"approval": {"gates": [{"metric": "auc", "notWorseThanMain": true}]}}))
            .await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        let worse = Publication::of(Sample::V1_1_0)?.metric("auc", 0.985);
        let name = story.stage_and_accept(&worse).await?;
        is_held(&story, &name, "auc is 0.985, worse than main's 0.99").await?;

        let open = Patch::Merge(json!({"spec": {"approval": {"gates": []}}}));
        story.api::<ModelDeployment>().patch(MODEL, &PatchParams::default(), &open).await?;
        story.await_stage(&name, Stage::Production).await?;
        caller.await_version("1.1.0").await?;
        caller.finish().await?.ensure_all_from(&["1.0.0", "1.1.0"])
    })
    .await
}
