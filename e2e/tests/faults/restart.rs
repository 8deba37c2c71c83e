//! A restart: everything that exists is checked again.

use anyhow::Result;
use futures::future::try_join_all;
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, Stage};

use crate::kit::in_a_world;

/// Models of a large installation. Their objects trigger more passes than any fixed queue of the operator had places.
const MODELS: usize = 300;

#[tokio::test]
async fn after_a_restart_with_300_models_every_request_is_still_noticed() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        try_join_all((0..MODELS).map(async |n| {
            world.deploy(&format!("model-{n}"), &json!({})).await?;
            world.publish(&format!("model-{n}"), "1.0.0").await
        }))
        .await?;
        let seen = |md: &ModelDeployment| md.status.is_some();
        world.await_all("seen by the first operator", MODELS, seen).await?;
        operator.terminate().await?;

        let _second = world.operator("second").lead().await?;
        let names = (0..MODELS).map(|n| format!("model-{n}-1.0.0"));
        try_join_all(names.map(async |name| world.request(&name, Stage::Staging).await)).await?;
        let requested = |mv: &ModelVersion| mv.transition().is_some_and(|t| t.to == Stage::Staging);
        world.await_all("its request is open", MODELS, requested).await
    })
    .await
}
