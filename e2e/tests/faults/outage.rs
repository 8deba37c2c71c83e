//! An API server that is away for a while: no operator ends because of it, and everything that happened is noticed.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_crds::{ModelVersion, Stage};

use understudy_e2e::bare::{Proxy, Traffic, in_a_world, within};

/// Longer than the operator trusts a watch that is silent. The API server sends a bookmark about every minute.
const SILENCE: Duration = Duration::from_secs(200);

#[tokio::test]
async fn an_operator_that_starts_while_the_api_server_is_away_waits_for_it() -> Result<()> {
    in_a_world(async |world| {
        let proxy = Proxy::to(world.server().port()?).await?;
        proxy.set(Traffic::Refused);
        let mut operator = world.operator("only").through(&proxy).start().await?;
        proxy.await_attempts(3).await?;
        ensure!(operator.ended()?.is_none(), "the operator has ended");
        proxy.set(Traffic::Passes);
        world.await_leader("only").await
    })
    .await
}

#[tokio::test]
async fn a_request_that_was_made_while_every_open_connection_was_dead_is_noticed() -> Result<()> {
    in_a_world(async |world| {
        let proxy = Proxy::to(world.server().port()?).await?;
        let mut operator = world.operator("only").through(&proxy).lead().await?;
        world.deploy("fraud", &json!({})).await?;
        let name = world.publish("fraud", "1.0.0").await?;
        world.await_version("seen", &name, |v: &ModelVersion| v.status.is_some()).await?;
        proxy.forget_connections();
        world.request(&name, Stage::Staging).await?;
        within(SILENCE, "its request is open", async || {
            let version = world.api::<ModelVersion>().get(&name).await?;
            Ok(version.transition().map(drop))
        })
        .await?;
        ensure!(operator.ended()?.is_none(), "the operator has ended");
        Ok(())
    })
    .await
}
