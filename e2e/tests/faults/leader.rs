//! A leader that dies, freezes or is cut off: another replica acts.

use anyhow::Result;
use serde_json::json;
use understudy_crds::Stage;

use understudy_e2e::bare::{Proxy, Traffic, World, eventually, in_a_world};

/// What a leader logs before it ends because it could not renew the Lease.
const LOST: &str = "lost the Lease";

/// A model and a version that the leader has seen.
async fn model(world: &World) -> Result<String> {
    world.deploy("fraud", &json!({})).await?;
    world.stage("fraud", "1.0.0").await
}

/// The operator of this name leads and acts.
async fn acts(world: &World, operator: &str) -> Result<()> {
    world.await_leader(operator).await?;
    world.request_and_approve("fraud-1.0.0", Stage::Production).await?;
    world.await_stage("fraud-1.0.0", Stage::Production).await?;
    Ok(())
}

#[tokio::test]
async fn another_replica_acts_after_the_leader_was_killed() -> Result<()> {
    in_a_world(async |world| {
        let first = world.operator("first").prompt().lead().await?;
        let _second = world.operator("second").prompt().start().await?;
        model(world).await?;
        first.kill().await?;
        acts(world, "second").await
    })
    .await
}

#[tokio::test]
async fn the_leader_goes_on_when_the_standby_is_killed_and_the_next_standby_takes_over() -> Result<()> {
    in_a_world(async |world| {
        let first = world.operator("first").prompt().lead().await?;
        let second = world.operator("second").prompt().start().await?;
        second.await_reachable().await?;
        second.kill().await?;
        model(world).await?;
        acts(world, "first").await?;

        let third = world.operator("third").prompt().start().await?;
        third.await_reachable().await?;
        first.kill().await?;
        world.await_leader("third").await?;
        world.promote("fraud", "1.1.0").await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn another_replica_acts_while_the_leader_is_frozen_and_keeps_leading_when_it_thaws() -> Result<()> {
    in_a_world(async |world| {
        let mut first = world.operator("first").prompt().expecting(LOST).lead().await?;
        let _second = world.operator("second").prompt().start().await?;
        model(world).await?;
        first.freeze()?;
        world.await_leader("second").await?;
        first.thaw()?;
        first.end().await?;
        acts(world, "second").await
    })
    .await
}

#[tokio::test]
async fn another_replica_acts_when_no_packet_of_the_leader_arrives() -> Result<()> {
    in_a_world(async |world| {
        let proxy = Proxy::to(world.server().port()?).await?;
        let _first = world.operator("first").prompt().through(&proxy).expecting(LOST).lead().await?;
        let _second = world.operator("second").prompt().start().await?;
        model(world).await?;
        proxy.set(Traffic::Dropped);
        acts(world, "second").await
    })
    .await
}

#[tokio::test]
async fn a_standby_whose_connection_died_silently_takes_over_when_the_leader_dies() -> Result<()> {
    in_a_world(async |world| {
        let first = world.operator("first").prompt().lead().await?;
        let proxy = Proxy::to(world.server().port()?).await?;
        let second = world.operator("second").prompt().through(&proxy).start().await?;
        model(world).await?;
        eventually("the standby has reached the API server", async || {
            Ok((second.readyz().await?.0 == 200).then_some(()))
        })
        .await?;
        proxy.forget_connections();
        first.kill().await?;
        acts(world, "second").await
    })
    .await
}
