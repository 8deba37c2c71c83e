//! A relist: the API server no longer knows the changes since the watch ended, and answers 410.

use anyhow::Result;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service};
use kube::api::DeleteParams;
use serde_json::json;
use understudy_crds::{ModelVersion, Stage};

use understudy_e2e::bare::{Proxy, Traffic, concurrently, eventually, in_a_world};

/// So many versions that a list has several pages: the passes over the objects of the first page must not see the state
/// from before the list.
const OTHERS: usize = 200;

/// Each act is on a model of its own, so that no act triggers a pass for another one.
#[tokio::test]
async fn what_people_did_while_the_watches_were_cut_is_noticed_after_a_relist_without_a_further_event()
-> Result<()> {
    in_a_world(async |world| {
        let proxy = Proxy::to(world.server().port()?).await?;
        let _operator = world.operator("only").through(&proxy).lead().await?;
        for model in ["approved", "published", "requested", "deleted", "damaged"] {
            world.deploy(model, &json!({})).await?;
        }
        world.deploy("others", &json!({})).await?;
        let others = (0..OTHERS).map(|n| format!("1.0.{n}"));
        concurrently(others, async |version| world.publish("others", &version).await.map(drop)).await?;
        let approved = world.publish("approved", "1.0.0").await?;
        let transition = world.open_request(&approved, Stage::Staging).await?;
        let requested = world.publish("requested", "1.0.0").await?;
        let deleted = world.stage("deleted", "1.0.0").await?;
        world.stage("damaged", "1.0.0").await?;
        let damaged = |d: &Deployment| d.metadata.name.as_deref() == Some("damaged-v1-0-0");
        let before = world.owned::<Deployment>().await?.into_iter().find(damaged);
        let seen = |v: &ModelVersion| v.status.is_some();
        world.await_all("seen", OTHERS + 4, seen).await?;

        proxy.set(Traffic::Refused);
        world.approve(&approved, &transition.id).await?;
        // No event of a model or of its objects leads to a pass over it, because its model does not exist.
        let alone = world.publish("alone", "1.0.0").await?;
        let published = world.publish("published", "1.0.0").await?;
        world.request(&published, Stage::Staging).await?;
        world.request(&requested, Stage::Staging).await?;
        world.api::<ModelVersion>().delete(&deleted, &DeleteParams::default()).await?;
        world.api::<Deployment>().delete("damaged-v1-0-0", &DeleteParams::background()).await?;
        proxy.redirect(world.server().start_another().await?);
        proxy.set(Traffic::Passes);

        world.await_version("seen", &alone, seen).await?;
        world.await_stage(&approved, Stage::Staging).await?;
        let is_open = |v: &ModelVersion| v.transition().is_some();
        world.await_version("its request is open", &published, is_open).await?;
        world.await_version("its request is open", &requested, is_open).await?;
        eventually("the Service of a deleted version is deleted", async || {
            let gone = world.api::<Service>().get_opt("deleted-v1-0-0").await?.is_none();
            Ok(gone.then_some(()))
        })
        .await?;
        let is_new = |d: &Deployment| Some(&d.metadata.uid) != before.as_ref().map(|b| &b.metadata.uid);
        world.await_object("made again", "damaged-v1-0-0", is_new).await?;
        Ok(())
    })
    .await
}
