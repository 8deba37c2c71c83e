//! Writes that fail after callers were switched: the record says what serves, and the rest is reported.

use anyhow::{Result, ensure};
use k8s_openapi::api::{core::v1::Service, policy::v1::PodDisruptionBudget};
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage};

use understudy_e2e::bare::{World, in_a_world};

/// Alice brings 1.0.0 of `fraud` with two pods into Production. Waits until it is main by the record.
async fn becomes_main(world: &World) -> Result<()> {
    world.deploy("fraud", &json!({"replicas": 2})).await?;
    let name = world.stage("fraud", "1.0.0").await?;
    world.request_and_approve(&name, Stage::Production).await?;
    let switched = |service: &Service| {
        let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
        selector.is_some_and(|s| s.get("understudy.dev/version").map(String::as_str) == Some("1.0.0"))
    };
    world.await_object("callers reach 1.0.0", "fraud", switched).await?;
    world.await_main("fraud", "1.0.0").await?;
    world.await_stage(&name, Stage::Production).await?;
    Ok(())
}

/// Waits until a condition of `fraud` contains these words.
async fn is_reported(world: &World, words: &str) -> Result<ModelDeployment> {
    let reported = |md: &ModelDeployment| {
        md.status.iter().flat_map(|status| &status.conditions).any(|c| c.message.contains(words))
    };
    world.await_deployment(&format!("a condition with {words:?}"), "fraud", reported).await
}

#[tokio::test]
async fn a_budget_of_somebody_else_with_the_models_name_does_not_hide_the_new_main() -> Result<()> {
    in_a_world(async |world| {
        let foreign: PodDisruptionBudget = serde_json::from_value(json!({
            "metadata": {"name": "fraud"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "other"}}},
        }))?;
        world.create(&foreign).await?;
        let _operator = world.operator("only").lead().await?;
        becomes_main(world).await?;
        is_reported(world, "PodDisruptionBudget fraud").await?;
        let kept = world.api::<PodDisruptionBudget>().get("fraud").await?;
        let app = kept.spec.and_then(|spec| spec.selector?.match_labels);
        ensure!(app.is_some_and(|labels| labels.contains_key("app")), "the foreign budget was changed");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pods_that_cannot_be_notified_do_not_hide_the_new_main() -> Result<()> {
    in_a_world(async |world| {
        world
            .change_rights(|rules| {
                for rule in rules.iter_mut().filter(|r| r.resources == Some(vec!["pods".to_owned()])) {
                    rule.verbs.retain(|verb| verb != "patch");
                }
            })
            .await?;
        let _operator = world.operator("only").lead().await?;
        becomes_main(world).await?;
        is_reported(world, "pod").await?;
        Ok(())
    })
    .await
}
