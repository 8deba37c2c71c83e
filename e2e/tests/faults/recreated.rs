//! A `ModelDeployment` that is deleted and made again while no operator runs.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::DeleteParams;
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, Stage};

use understudy_e2e::bare::{eventually, in_a_world};

#[tokio::test]
async fn a_version_is_not_in_production_of_a_model_that_was_made_again_and_has_no_main() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let name = world.promote("fraud", "1.0.0").await?;
        operator.terminate().await?;
        world.api::<ModelDeployment>().delete("fraud", &DeleteParams::default()).await?;
        eventually("the pods of the deleted model are gone", async || {
            Ok(world.owned::<Deployment>().await?.is_empty().then_some(()))
        })
        .await?;
        world.deploy("fraud", &json!({})).await?;

        let _operator = world.operator("second").lead().await?;
        eventually("stage and main agree", async || {
            let main = world.api::<ModelDeployment>().get("fraud").await?.main().cloned();
            let stage = world.api::<ModelVersion>().get(&name).await?.stage();
            Ok((main.is_some() == (stage == Stage::Production)).then_some(()))
        })
        .await?;
        // A new version gets into Production as usual.
        world.promote("fraud", "1.1.0").await?;
        world.await_main("fraud", "1.1.0").await?;
        Ok(())
    })
    .await
}
