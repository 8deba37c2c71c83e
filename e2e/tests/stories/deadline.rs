//! A promotion that cannot complete ends after `spec.rollout.deadline`, and does not block the versions behind it.

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use serde_json::json;
use understudy_crds::{Decision, RollbackResult, Stage, condition::STALLED};
use understudy_e2e::{MODEL, Person, Publication, Sample, digest, with_temp_ns};

use crate::reported::{await_decision, await_reported};

#[tokio::test]
async fn a_promotion_that_gets_nowhere_ends_and_the_version_approved_after_it_becomes_main() -> Result<()> {
    with_temp_ns("deadline", async |story| {
        story.serve_main(&json!({"replicas": 2, "rollout": {"deadline": "30s"}})).await?;
        let mut caller = story.caller().await?;
        let (right, other) = (Sample::V1_1_0.bytes()?, Sample::V1_0_0.bytes()?);
        let uri = story.upload("model.onnx", &right).await?;
        let broken = Publication::of(Sample::V1_1_0)?.file(uri, digest(&right));
        let broken = story.stage_and_accept(&broken).await?;
        let sound = story.stage_and_accept(&Publication::of(Sample::V1_1_0)?.version("1.2.0")).await?;
        story.await_serving(&broken).await?;
        story.await_serving(&sound).await?;

        // It serves in Staging with one pod, and no further pod can start.
        story.upload("model.onnx", &other).await?;
        let request = story.request_and_approve(&broken, Stage::Production).await?;
        story
            .await_deployment("its roll-out waits", |md| {
                md.status.as_ref().and_then(|s| s.rollout.as_ref()).is_some_and(|r| r.model_version == broken)
            })
            .await?;
        story.request_and_approve(&sound, Stage::Production).await?;

        // It is approved and was never main, and neither was the one behind it.
        for (number, suffix) in [("1.1.0", "1"), ("1.2.0", "2")] {
            story.roll_back(Person::Bob, number, suffix).await?;
            let request = format!("{number}#{suffix}");
            story
                .await_deployment("the rollback is refused", |md| {
                    let rollback = md.status.as_ref().and_then(|s| s.rollback.as_ref());
                    rollback.is_some_and(|r| {
                        r.request == request
                            && r.result == RollbackResult::Refused
                            && r.message.contains("was never main")
                    })
                })
                .await?;
        }

        let entry = await_decision(&story, &broken, Decision::TimedOut).await?;
        ensure!(entry.is_of(&request.id), "the entry must be about the approved request: {entry:?}");
        let ended = await_reported(&story, &broken, STALLED, "TimedOut", "DigestMismatch").await?;
        assert_eq!((ended.stage(), ended.transition()), (Stage::Staging, None));
        story.await_event("ModelDeployment", MODEL, "RolloutTimedOut", "1.1.0").await?;

        let main = story.await_stage(&sound, Stage::Production).await?;
        caller.await_version("1.2.0").await?;
        caller.finish().await?.ensure_followed(&["1.0.0", "1.2.0"])?;
        let md = story
            .await_deployment("1.2.0 is main", |md| {
                md.main().is_some_and(|m| m.model_version == main.name_any())
            })
            .await?;
        let history = &md.status.as_ref().context("a status")?.history;
        let order: Vec<_> = history.iter().map(|record| record.version.as_str()).collect();
        assert_eq!(order, ["1.0.0", "1.2.0"]);
        Ok(())
    })
    .await
}
