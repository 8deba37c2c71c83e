//! An API server that answers late: everything takes longer, and nothing ends.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use understudy_e2e::bare::{Proxy, Traffic, in_a_world};

/// How late each answer is. A read and a write of the Lease do not fit into one attempt to renew it.
const DELAY: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_leader_whose_api_server_answers_late_keeps_the_lease_and_promotes() -> Result<()> {
    in_a_world(async |world| {
        let proxy = Proxy::to(world.server().port()?).await?;
        let mut operator = world.operator("only").prompt().through(&proxy).lead().await?;
        world.deploy("fraud", &json!({"replicas": 2})).await?;
        world.promote("fraud", "1.0.0").await?;
        proxy.set(Traffic::Delayed(DELAY));
        world.promote("fraud", "1.1.0").await?;
        world.roll_back("fraud", "1.0.0", "late").await?;
        world.await_main("fraud", "1.0.0").await?;
        ensure!(operator.ended()?.is_none(), "the operator has ended");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_operator_that_starts_while_the_api_server_answers_late_leads_and_acts() -> Result<()> {
    in_a_world(async |world| {
        let proxy = Proxy::to(world.server().port()?).await?;
        proxy.set(Traffic::Delayed(DELAY));
        let mut operator = world.operator("only").prompt().through(&proxy).lead().await?;
        world.deploy("fraud", &json!({})).await?;
        world.promote("fraud", "1.0.0").await?;
        ensure!(operator.ended()?.is_none(), "the operator has ended");
        Ok(())
    })
    .await
}
