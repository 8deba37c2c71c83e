//! A restart: everything that exists is checked again.

use std::{collections::BTreeMap, fmt::Debug};

use anyhow::{Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{Resource, ResourceExt, api::ListParams, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, Stage};

use understudy_e2e::bare::{Operator, World, concurrently, eventually, in_a_world};

/// Each object of this kind as text, by kind and name.
async fn texts<K>(world: &World) -> Result<Vec<(String, String)>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize,
{
    let all = world.api::<K>().list(&ListParams::default()).await?;
    let text = |mut object: K| {
        object.managed_fields_mut().clear();
        Ok((format!("{} {}", K::kind(&()), object.name_any()), serde_json::to_string(&object)?))
    };
    all.into_iter().map(text).collect()
}

/// The same of everything that an operator writes.
async fn everything(world: &World) -> Result<BTreeMap<String, String>> {
    let parts = tokio::try_join!(
        texts::<ModelDeployment>(world),
        texts::<ModelVersion>(world),
        texts::<Deployment>(world),
        texts::<Service>(world),
        texts::<ConfigMap>(world),
        texts::<PodDisruptionBudget>(world),
        texts::<Pod>(world),
    )?;
    Ok([parts.0, parts.1, parts.2, parts.3, parts.4, parts.5, parts.6].into_iter().flatten().collect())
}

/// How many passes of this controller the operator has ended.
pub async fn passes(operator: &Operator, controller: &str) -> Result<f64> {
    Ok(operator.metric("understudy_reconciles_total", &[("controller", controller)]).await?.unwrap_or(0.0))
}

/// Waits until the operator has ended at least this many passes of this controller.
async fn await_passes(operator: &Operator, controller: &str, count: f64) -> Result<()> {
    let enough = async || Ok((passes(operator, controller).await? >= count).then_some(()));
    eventually(&format!("{count} passes of {controller}"), enough).await
}

/// Models of a large installation. Their objects trigger more passes than any fixed queue of the operator had places.
const MODELS: usize = 300;

#[tokio::test]
async fn after_a_restart_with_300_models_every_request_is_still_noticed() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        let models = (0..MODELS).map(|n| format!("model-{n}"));
        concurrently(models, async |model| {
            world.deploy(&model, &json!({})).await?;
            world.publish(&model, "1.0.0").await.map(drop)
        })
        .await?;
        let seen = |md: &ModelDeployment| md.status.is_some();
        world.await_all("seen by the first operator", MODELS, seen).await?;
        operator.terminate().await?;

        let _second = world.operator("second").lead().await?;
        let names = (0..MODELS).map(|n| format!("model-{n}-1.0.0"));
        concurrently(names, async |name| world.request(&name, Stage::Staging).await.map(drop)).await?;
        let requested = |mv: &ModelVersion| mv.transition().is_some_and(|t| t.to == Stage::Staging);
        world.await_all("its request is open", MODELS, requested).await
    })
    .await
}

#[tokio::test]
async fn a_new_leader_writes_nothing_that_is_as_it_should_be() -> Result<()> {
    in_a_world(async |world| {
        let first = world.operator("first").prompt().lead().await?;
        for model in ["fraud", "churn", "credit"] {
            world.deploy(model, &json!({"replicas": 2})).await?;
            world.promote(model, "1.0.0").await?;
            world.promote(model, "1.1.0").await?;
            world.stage(model, "1.2.0").await?;
        }
        let settled = |md: &ModelDeployment| md.main().is_some_and(|main| main.ready_replicas == 2);
        world.await_all("main has two ready pods", 3, settled).await?;
        // The first operator has nothing left to write when further passes change nothing.
        let before = eventually("nothing is written any more", async || {
            let (before, so_far) = (everything(world).await?, passes(&first, "modeldeployment").await?);
            await_passes(&first, "modeldeployment", so_far + 9.0).await?;
            Ok((everything(world).await? == before).then_some(before))
        })
        .await?;
        first.kill().await?;

        let second = world.operator("second").prompt().lead().await?;
        await_passes(&second, "modelversion", 9.0).await?;
        await_passes(&second, "modeldeployment", 9.0).await?;
        let after = everything(world).await?;
        for (name, text) in &after {
            let old = before.get(name);
            ensure!(old == Some(text), "{name} was written. Before: {old:?}, now: {text}");
        }
        let deleted: Vec<_> = before.keys().filter(|name| !after.contains_key(*name)).collect();
        ensure!(deleted.is_empty(), "deleted: {deleted:?}");
        Ok(())
    })
    .await
}
