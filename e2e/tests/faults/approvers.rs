//! A25: several approvers, one write each, and what people say about their acts.

use anyhow::{Context, Result, ensure};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
use understudy_crds::{Decision, ModelDeployment, ModelVersion, Stage, Transition};

use understudy_e2e::bare::{ALICE, BOB, CAROL, World, in_a_world};

/// A service account as which every editor of a namespace can act.
const PIPELINE: &str = "system:serviceaccount:ci:pipeline";

/// This person approves, and says why. Waits until the approval is recorded.
async fn approves(world: &World, person: &str, name: &str, id: &str, comment: &str) -> Result<ModelVersion> {
    let annotations = json!({
        "understudy.dev/approve": id, "understudy.dev/approved-by": person, "understudy.dev/reason": comment,
    });
    world.patch::<ModelVersion>(person, name, &json!({"metadata": {"annotations": annotations}})).await?;
    let by = person.to_owned();
    let is_recorded = move |v: &ModelVersion| {
        let open = v.transition().is_some_and(|t| t.approvals.iter().any(|grant| grant.by == by));
        open || v.history().iter().any(|entry| entry.approvals.iter().any(|grant| grant.by == by))
    };
    world.await_version(&format!("{person}'s approval is recorded"), name, is_recorded).await
}

/// A request for Staging by this account, once the operator has opened it.
async fn requests(world: &World, account: &str, name: &str) -> Result<Transition> {
    let annotations = json!({"understudy.dev/requested-by": account, "understudy.dev/reason": "retrained"});
    let request = json!({"spec": {"stage": "Staging"}, "metadata": {"annotations": annotations}});
    world.patch::<ModelVersion>(account, name, &request).await?;
    let open = world.await_version("a pending request", name, |v| v.transition().is_some()).await?;
    open.transition().cloned().context("the predicate requires one")
}

#[tokio::test]
async fn a25_a_person_who_requests_as_a_service_account_is_not_enough_to_approve() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let name = world.publish("fraud", "1.0.0").await?;
        let request = requests(world, PIPELINE, &name).await?;
        ensure!(request.approved.as_deref() == Some("0 of 2"), "{request:?}");
        let half = approves(world, BOB, &name, &request.id, "auc is better").await?;
        let open = half.transition().context("one approval is not enough")?;
        ensure!((half.stage(), open.approved.as_deref()) == (Stage::None, Some("1 of 2")), "{open:?}");

        approves(world, CAROL, &name, &request.id, "and so is recall").await?;
        let staged = world.await_stage(&name, Stage::Staging).await?;
        let entry = staged.history().first().context("the approval is on record")?;
        let said: Vec<_> = entry.approvals.iter().map(|g| (g.by.as_str(), g.comment.as_deref())).collect();
        ensure!(
            entry.decision == Decision::Approved && entry.comment.as_deref() == Some("retrained"),
            "{entry:?}"
        );
        ensure!(said == [(BOB, Some("auc is better")), (CAROL, Some("and so is recall"))], "{said:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_governor_can_require_two_approvers_and_an_open_request_then_needs_them() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let name = world.publish("fraud", "1.0.0").await?;
        let request = requests(world, ALICE, &name).await?;
        let two = json!({"spec": {"approval": {"approvers": 2}}});
        world.patch::<ModelDeployment>(BOB, "fraud", &two).await?;
        let shown =
            |v: &ModelVersion| v.transition().is_some_and(|t| t.approved.as_deref() == Some("0 of 2"));
        world.await_version("it needs two approvals", &name, shown).await?;
        approves(world, BOB, &name, &request.id, "good").await?;
        // The first approval is in the status, so a new leader knows it.
        operator.terminate().await?;
        let _operator = world.operator("second").lead().await?;
        approves(world, CAROL, &name, &request.id, "very good").await?;
        world.await_stage(&name, Stage::Staging).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_rollback_keeps_the_comment_of_the_person_who_rolled_back() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let first = world.promote("fraud", "1.0.0").await?;
        world.promote("fraud", "1.1.0").await?;
        world.await_stage(&first, Stage::Archived).await?;
        let annotations = json!({
            "understudy.dev/rollback": "1.0.0#1", "understudy.dev/rollback-by": CAROL, "understudy.dev/reason": "complaints",
        });
        let models: Api<ModelDeployment> = world.api_of(CAROL)?;
        let patch = Patch::Merge(json!({"metadata": {"annotations": annotations}}));
        models.patch("fraud", &PatchParams::default(), &patch).await?;
        let back = world.await_main("fraud", "1.0.0").await?;
        let status = back.status.context("a status")?;
        ensure!(status.history.last().is_some_and(|r| r.comment.as_deref() == Some("complaints")), "{:?}", status.history);

        world.roll_back("fraud", "1.1.0", "2").await?;
        let forth = world.await_main("fraud", "1.1.0").await?.status.context("a status")?;
        ensure!(forth.history.last().is_some_and(|r| r.comment.is_none()), "an old comment counts again");
        Ok(())
    })
    .await
}
