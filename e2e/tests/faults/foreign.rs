//! Objects and writes of others around the switch of callers: the record says what serves, and the rest is reported.

use anyhow::{Result, ensure};
use k8s_openapi::api::{core::v1::Service, policy::v1::PodDisruptionBudget};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use understudy_crds::{ModelDeployment, Stage};

use understudy_e2e::bare::{ALICE, World, in_a_world};

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

#[tokio::test]
async fn a_switch_that_an_editor_forges_does_not_make_a_version_main() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        world.deploy("fraud", &json!({"replicas": 2})).await?;
        world.promote("fraud", "1.0.0").await?;
        let next = world.stage("fraud", "1.1.0").await?;
        // It serves with one pod, and a second one never becomes ready.
        world.kubelet().breaks("1.1.0");
        world.request_and_approve(&next, Stage::Production).await?;
        let rollout = |md: &ModelDeployment| md.status.as_ref().and_then(|status| status.rollout.clone());
        let waits = |md: &ModelDeployment| rollout(md).is_some_and(|r| r.model_version == next);
        let md = world.await_deployment("a promotion that waits for pods", "fraud", waits).await?;

        let forged = json!({
            "metadata": {"annotations": {"understudy.dev/transition": rollout(&md).map(|r| r.transition)}},
            "spec": {"selector": {"understudy.dev/version": "1.1.0"}},
        });
        let written =
            world.api::<Service>().patch("fraud", &PatchParams::default(), &Patch::Merge(forged)).await;

        // The operator has worked on the deployment after that.
        let edited: ModelDeployment =
            world.patch(ALICE, "fraud", &json!({"spec": {"description": "scores payments"}})).await?;
        let generation = edited.metadata.generation;
        let seen =
            |md: &ModelDeployment| md.status.as_ref().and_then(|s| s.observed_generation) == generation;
        let md = world.await_deployment("a pass after the forgery", "fraud", seen).await?;
        let mains: Vec<_> = md.status.into_iter().flat_map(|s| s.history).map(|h| h.version).collect();
        ensure!(mains == ["1.0.0"], "a version became main before its pods were checked: {mains:?}");
        ensure!(written.is_err(), "the API server accepted the forgery");
        Ok(())
    })
    .await
}
