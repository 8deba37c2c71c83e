//! Whether the guard is in force is reported, and promotes or stops nothing.

use anyhow::Result;
use serde_json::json;
use understudy_crds::{
    ModelDeployment,
    condition::{self, OBJECTS_GUARDED},
};

use understudy_e2e::bare::{World, in_a_world};

/// Waits until the condition of `fraud` has this status and reason, and these words in its message.
async fn is_reported(world: &World, status: &str, reason: &str, words: &str) -> Result<()> {
    let reported = |md: &ModelDeployment| {
        let conditions = md.status.as_ref().map_or(&[][..], |status| &status.conditions);
        condition::find(conditions, OBJECTS_GUARDED)
            .is_some_and(|c| c.status == status && c.reason == reason && c.message.contains(words))
    };
    let what = format!("{OBJECTS_GUARDED} is {status} because of {reason}");
    world.await_deployment(&what, "fraud", reported).await.map(drop)
}

#[tokio::test]
async fn the_status_says_that_the_guard_is_in_force() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        is_reported(world, "True", "Enforced", "the API server enforces the guard").await?;
        let gauge = operator.metric("understudy_objects_guarded", &[]).await?;
        anyhow::ensure!(gauge == Some(1.0), "the metric says {gauge:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_guard_than_the_installed_one_is_reported_and_stops_no_promotion() -> Result<()> {
    in_a_world(async |world| {
        let installed = world.server().file("understudy-policy", "guard.json").await?;
        let weaker = installed.replace("system:kube-scheduler", "system:masters");
        let words = "the state of the guard changed";
        let _operator = world.operator("only").guard(Some(&weaker)).expecting(words).lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let words = "ValidatingAdmissionPolicy understudy-guard was changed at spec.variables";
        is_reported(world, "False", "NotEnforced", words).await?;
        world.promote("fraud", "1.0.0").await?;
        world.await_main("fraud", "1.0.0").await.map(drop)
    })
    .await
}

#[tokio::test]
async fn a_chart_without_the_guard_is_reported_and_stops_no_promotion() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").guard(None).lead().await?;
        world.deploy("fraud", &json!({})).await?;
        is_reported(world, "False", "GuardOff", "the chart was installed without the guard").await?;
        world.promote("fraud", "1.0.0").await?;
        world.await_main("fraud", "1.0.0").await.map(drop)
    })
    .await
}
