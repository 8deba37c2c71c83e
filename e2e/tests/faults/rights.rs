//! A missing right: an operator that cannot read one kind reports it, and works as soon as it has the right.

use std::time::Duration;

use anyhow::{Result, ensure};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::json;
use understudy_crds::{ModelVersion, Stage};

use understudy_e2e::bare::{World, eventually, in_a_world, within};

/// Longer than the operator waits for the first list of all kinds before it reports that it makes no progress.
const FILLING: Duration = Duration::from_mins(3);

fn without(resource: &'static str) -> impl FnOnce(&mut Vec<PolicyRule>) {
    move |rules| {
        for named in rules.iter_mut().filter_map(|rule| rule.resources.as_mut()) {
            named.retain(|name| name != resource);
        }
        rules.retain(|rule| rule.resources.as_ref().is_some_and(|resources| !resources.is_empty()));
    }
}

/// A version with an open request for Staging, which no operator has seen.
async fn requested(world: &World) -> Result<String> {
    world.deploy("fraud", &json!({})).await?;
    let name = world.publish("fraud", "1.0.0").await?;
    world.request(&name, Stage::Staging).await?;
    Ok(name)
}

#[tokio::test]
async fn an_operator_that_cannot_list_a_kind_is_not_ready_until_it_can_and_then_acts() -> Result<()> {
    in_a_world(async |world| {
        world.change_rights(without("poddisruptionbudgets")).await?;
        let operator = world.operator("only").lead().await?;
        let name = requested(world).await?;
        let message = eventually("/readyz fails", async || {
            let (status, message) = operator.readyz().await?;
            Ok((status == 503).then_some(message))
        })
        .await?;
        ensure!(message.contains("PodDisruptionBudget"), "/readyz does not name the kind: {message}");
        let synced = async |kind| operator.metric("understudy_cache_synced", &[("kind", kind)]).await;
        eventually("the metric of another kind is 1", async || {
            Ok((synced("ModelVersion").await? == Some(1.0)).then_some(()))
        })
        .await?;
        ensure!(synced("PodDisruptionBudget").await? == Some(0.0), "the metric of the kind must be 0");

        world.restore_rights().await?;
        let is_open = |v: &ModelVersion| v.transition().is_some();
        world.await_version("its request is open", &name, is_open).await?;
        eventually("/readyz succeeds", async || Ok((operator.readyz().await?.0 == 200).then_some(()))).await
    })
    .await
}

#[tokio::test]
async fn an_operator_that_never_fills_its_caches_is_not_alive() -> Result<()> {
    in_a_world(async |world| {
        world.change_rights(without("configmaps")).await?;
        let operator = world.operator("only").lead().await?;
        requested(world).await?;
        let message = within(FILLING, "/livez fails", async || {
            let (status, message) = operator.livez().await?;
            Ok((status == 503).then_some(message))
        })
        .await?;
        ensure!(message.contains("ConfigMap"), "/livez does not name the kind: {message}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn sigterm_ends_an_operator_that_still_waits_for_its_first_list() -> Result<()> {
    in_a_world(async |world| {
        world.change_rights(without("pods")).await?;
        let operator = world.operator("only").lead().await?;
        requested(world).await?;
        ensure!(operator.terminate().await?.success(), "SIGTERM is not a failure");
        Ok(())
    })
    .await
}
