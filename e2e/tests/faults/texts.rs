//! Texts and numbers beyond the limits of a status: they do not freeze an object. Either the API server refuses the text
//! with a message, or the operator records it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion, RollbackResult, Stage, annotations};

use understudy_e2e::bare::{BOB, CAROL, World, in_a_world};

/// Writes annotations. Returns whether the API server accepted them. A refusal must name a limit.
async fn annotate<K>(world: &World, person: &str, name: &str, annotations: Value) -> Result<bool>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    match world.patch::<K>(person, name, &json!({"metadata": {"annotations": annotations}})).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let message = format!("{error:#}");
            ensure!(message.contains("characters"), "the refusal does not name the limit: {message}");
            Ok(false)
        }
    }
}

/// The number of entries in the history.
fn entries(count: usize) -> impl Fn(&ModelVersion) -> bool {
    move |version| version.history().len() == count && version.transition().is_none()
}

#[tokio::test]
async fn a_rejection_with_a_long_reason_ends_the_request() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let name = world.publish("fraud", "1.0.0").await?;
        let transition = world.open_request(&name, Stage::Staging).await?;
        let reject = |reason: String| {
            json!({
                annotations::REJECT: transition.id, annotations::REJECTED_BY: BOB, annotations::REASON: reason,
            })
        };
        let long = reject("ä reason ".repeat(123));
        if !annotate::<ModelVersion>(world, BOB, &name, long).await? {
            let short = reject("recall fell".to_owned());
            ensure!(annotate::<ModelVersion>(world, BOB, &name, short).await?, "a short reason is accepted");
        }
        world.await_version("rejected", &name, entries(1)).await?;
        world.request(&name, Stage::None).await?;
        world.request_and_approve(&name, Stage::Staging).await?;
        world.await_stage(&name, Stage::Staging).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn long_feedback_of_a_tester_does_not_freeze_the_version() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"approval": {"acceptanceTest": "Required"}})).await?;
        let name = world.stage("fraud", "1.0.0").await?;
        let verdict = |feedback: String| {
            json!({
                annotations::ACCEPT: "passed", annotations::ACCEPTED_BY: CAROL, annotations::FEEDBACK: feedback,
            })
        };
        if !annotate::<ModelVersion>(world, CAROL, &name, verdict("gut ü ".repeat(700))).await? {
            let short = verdict("answers as it should".to_owned());
            ensure!(annotate::<ModelVersion>(world, CAROL, &name, short).await?, "a short text is accepted");
        }
        world.request_and_approve(&name, Stage::Production).await?;
        world.await_stage(&name, Stage::Production).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_long_rollback_annotation_does_not_freeze_the_model() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        world.promote("fraud", "1.0.0").await?;
        world.promote("fraud", "1.1.0").await?;
        let long = json!({
            annotations::ROLLBACK: format!("1.0.0#{}", "x".repeat(300)), annotations::ROLLBACK_BY: CAROL,
        });
        let answered = |md: &ModelDeployment| {
            let rollback = md.status.as_ref().and_then(|status| status.rollback.as_ref());
            rollback.is_some_and(|r| r.result != RollbackResult::Pending)
        };
        if annotate::<ModelDeployment>(world, CAROL, "fraud", long).await? {
            world.await_deployment("the rollback is answered", "fraud", answered).await?;
        } else {
            world.roll_back("fraud", "1.0.0", "short").await?;
            world.await_main("fraud", "1.0.0").await?;
        }
        world.promote("fraud", "1.2.0").await?;
        world.await_main("fraud", "1.2.0").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_model_with_300_inputs_gets_into_production() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.kubelet().has_inputs("1.0.0", 300);
        world.deploy("fraud", &json!({})).await?;
        world.promote("fraud", "1.0.0").await?;
        world.await_main("fraud", "1.0.0").await?;
        Ok(())
    })
    .await
}
