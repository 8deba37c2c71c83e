//! A downgrade: a status has a value that this operator does not know. It is kept as it is.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use serde_json::json;
use understudy_crds::{ModelDeployment, RollbackResult};

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
