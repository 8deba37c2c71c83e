//! An upgrade to a server image that cannot be pulled: what serves stays, and a rollback does not wait for the new image.

use anyhow::{Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use serde_json::json;

use understudy_e2e::bare::{World, eventually, in_a_world};

const MISSING: &str = "localhost/understudy-server:missing";

/// The names of the Deployments whose pods shall have the missing image.
async fn patched(world: &World) -> Result<Vec<String>> {
    let has_image = |d: &Deployment| {
        let pod = d.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        pod.is_some_and(|pod| pod.containers.iter().any(|c| c.image.as_deref() == Some(MISSING)))
    };
    let all = world.owned::<Deployment>().await?;
    Ok(all.iter().filter(|d| has_image(d)).map(ResourceExt::name_any).collect())
}

#[tokio::test]
async fn a_rollback_to_a_warm_version_works_although_the_new_server_image_does_not_exist() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        world.deploy("fraud", &json!({})).await?;
        world.promote("fraud", "1.0.0").await?;
        world.promote("fraud", "1.1.0").await?;
        operator.terminate().await?;

        world.kubelet().misses(MISSING);
        let _operator = world.operator("second").server_image(MISSING).lead().await?;
        eventually("the roll begins", async || Ok((!patched(world).await?.is_empty()).then_some(()))).await?;
        world.roll_back("fraud", "1.0.0", "now").await?;
        world.await_main("fraud", "1.0.0").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_new_server_image_that_does_not_start_does_not_reach_main() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        for model in ["fraud", "churn", "credit"] {
            world.deploy(model, &json!({})).await?;
            world.promote(model, "1.0.0").await?;
            world.stage(model, "1.1.0").await?;
        }
        operator.terminate().await?;

        world.kubelet().misses(MISSING);
        let _operator = world.operator("second").server_image(MISSING).lead().await?;
        eventually("the roll begins", async || Ok((!patched(world).await?.is_empty()).then_some(()))).await?;
        // New passes over every model follow the first change.
        for model in ["fraud", "churn", "credit"] {
            world.publish(model, "1.2.0").await?;
            world.open_request(&format!("{model}-1.2.0"), understudy_crds::Stage::Staging).await?;
        }
        let patched = patched(world).await?;
        let mains: Vec<_> = patched.iter().filter(|name| name.ends_with("-v1-0-0")).collect();
        ensure!(mains.is_empty(), "the pods of main versions are replaced: {mains:?}");
        Ok(())
    })
    .await
}
