//! A downgrade: a status has a value that this operator does not know. It is kept as it is.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Resource, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
    core::ApiResource,
};
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, RollbackResult, Stage};

use understudy_e2e::bare::{World, in_a_world};

/// The uids of the Deployments that exist, by name.
async fn workloads(world: &World) -> Result<BTreeMap<String, String>> {
    let all = world.owned::<Deployment>().await?;
    let alive = all.into_iter().filter(|d| d.metadata.deletion_timestamp.is_none());
    Ok(alive.map(|d| (d.name_any(), d.uid().unwrap_or_default())).collect())
}

/// A request for a stage that a later release has. `e2e/cluster/faults` adds it to the CRD.
fn request_for_shadow(from: &str) -> serde_json::Value {
    json!({"transition": {
        "id": "5ad0e0f1b2c3", "from": from, "to": "Shadow", "requestedBy": "alice",
        "requestedAt": "2026-11-21T09:00:00Z", "generation": 1, "digest": format!("sha256:{}", "9f".repeat(32)),
    }})
}

/// Writes this field of a later release into the status, as its operator did.
async fn write_later<K: Resource<DynamicType = ()>>(world: &World, name: &str) -> Result<()> {
    let patch = Patch::Merge(json!({"status": {"later": name}}));
    later::<K>(world)?.patch_status(name, &PatchParams::default(), &patch).await?;
    Ok(())
}

/// Fails unless the field is as it was written.
async fn ensure_later<K: Resource<DynamicType = ()>>(world: &World, name: &str) -> Result<()> {
    let found = later::<K>(world)?.get(name).await?;
    let field = &found.data["status"]["later"];
    ensure!(
        field == name,
        "the status of {name} has lost a field of a later release: {}",
        found.data["status"]
    );
    Ok(())
}

fn later<K: Resource<DynamicType = ()>>(world: &World) -> Result<Api<DynamicObject>> {
    let kind = ApiResource::erase::<K>(&());
    Ok(Api::namespaced_with(world.server().client_of_operator()?, world.namespace(), &kind))
}

#[tokio::test]
async fn fields_of_a_status_that_a_later_release_has_written_stay() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("older").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let name = world.publish("fraud", "1.0.0").await?;
        world.await_deployment("seen", "fraud", |md| md.status.is_some()).await?;
        world.await_version("seen", &name, |version| version.status.is_some()).await?;
        write_later::<ModelVersion>(world, &name).await?;
        write_later::<ModelDeployment>(world, "fraud").await?;

        world.request_and_approve(&name, Stage::Staging).await?;
        world.await_serving(&name).await?;
        world.request_and_approve(&name, Stage::Production).await?;
        world.await_stage(&name, Stage::Production).await?;
        world.await_main("fraud", "1.0.0").await?;
        ensure_later::<ModelVersion>(world, &name).await?;
        ensure_later::<ModelDeployment>(world, "fraud").await
    })
    .await
}

#[tokio::test]
async fn a_history_that_a_later_release_has_written_stays_and_does_not_hide_that_the_policy_is_in_force()
-> Result<()> {
    in_a_world(async |world| {
        world.deploy("fraud", &json!({})).await?;
        let name = world.publish("fraud", "1.0.0").await?;
        let when = "2026-11-21T09:00:00Z";
        let entry = json!({
            "id": "5ad0e0f1b2c3", "from": "None", "to": "Staging", "requestedBy": "alice", "requestedAt": when,
            "decision": "Rejected", "decidedBy": "bob", "decidedAt": when,
            "digest": format!("sha256:{}", "9f".repeat(32)), "later": name,
        });
        world.record(&name, &json!({"history": [entry]})).await?;

        let _operator = world.operator("older").lead().await?;
        world.request_and_approve(&name, Stage::Staging).await?;
        world.await_serving(&name).await?;
        world.request_and_approve(&name, Stage::Production).await?;
        world.await_stage(&name, Stage::Production).await?;
        let found = later::<ModelVersion>(world)?.get(&name).await?;
        let history = &found.data["status"]["history"];
        ensure!(history[0] == entry, "the entry of the later release has changed: {history}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_cannot_be_read_is_not_deleted_and_a_rollback_to_it_says_so() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("newer").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let warm = world.promote("fraud", "1.0.0").await?;
        world.promote("fraud", "1.1.0").await?;
        let staged = world.stage("fraud", "1.2.0").await?;
        operator.terminate().await?;
        world.record(&warm, &request_for_shadow("Archived")).await?;
        world.record(&staged, &request_for_shadow("Staging")).await?;
        let before = workloads(world).await?;
        ensure!(before.len() == 3, "main, the warm version and the one in Staging run: {before:?}");

        let _operator = world.operator("older").lead().await?;
        world.roll_back("fraud", "1.0.0", "now").await?;
        let answered = |md: &ModelDeployment| {
            let rollback = md.status.as_ref().and_then(|status| status.rollback.as_ref());
            rollback.is_some_and(|r| r.result != RollbackResult::Pending || r.message.contains("read"))
        };
        let md = world.await_deployment("the rollback is answered", "fraud", answered).await?;
        let message = md.status.and_then(|status| status.rollback).map(|r| r.message).unwrap_or_default();
        // Many passes over the model follow.
        world.stage("fraud", "1.3.0").await?;
        let after = workloads(world).await?;
        let lost: Vec<_> = before.iter().filter(|(name, uid)| after.get(*name) != Some(uid)).collect();
        ensure!(lost.is_empty(), "deleted: {lost:?}");
        ensure!(message.contains("read"), "the answer does not say that 1.0.0 cannot be read: {message}");
        Ok(())
    })
    .await
}
