//! Two replicas that both believe that they lead. A Lease is not a fence: each write must be safe without it.

use anyhow::{Result, ensure};
use k8s_openapi::{
    api::{coordination::v1::Lease, core::v1::Service},
    jiff::Timestamp,
};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use understudy_crds::{Decision, ModelDeployment, Stage};
use understudy_e2e::bare::{OPERATOR, Operator, World, in_a_world};

use crate::invariants::Invariants;

/// What a leader logs before it ends because another replica holds the Lease.
const LOST: &str = "lost the Lease";

/// What the leader does while somebody gives the Lease to the standby.
#[derive(Clone, Copy)]
enum Leader {
    /// It works. Both replicas act until it renews the Lease.
    Works,
    /// It was stopped before the approval, and continues with what it knew then.
    StoppedBefore,
    /// It was stopped at any point of the promotion, and continues there.
    StoppedDuring,
}

async fn replica(world: &World, name: &str) -> Result<Operator> {
    let operator = world.operator(name).prompt().expecting(LOST).start().await?;
    operator.await_reachable().await?;
    Ok(operator)
}

/// Somebody writes another holder into the Lease.
async fn give_the_lease_to(world: &World, holder: &str) -> Result<()> {
    let now = Timestamp::now();
    let now = format!("{now:.6}");
    let spec =
        json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now});
    let patch = Patch::Merge(json!({"spec": spec}));
    world.api::<Lease>().patch(OPERATOR, &PatchParams::default(), &patch).await?;
    Ok(())
}

#[tokio::test]
async fn two_replicas_that_both_lead_do_nothing_twice_and_lose_nothing() -> Result<()> {
    in_a_world(async |world| {
        let mut leader = world.operator("replica-0").prompt().expecting(LOST).lead().await?;
        let invariants = Invariants::of(world);
        world.deploy("fraud", &json!({})).await?;
        world.promote("fraud", "1.0.0").await?;
        let rounds = [
            Leader::Works,
            Leader::StoppedBefore,
            Leader::StoppedDuring,
            Leader::StoppedDuring,
            Leader::Works,
        ];
        for (round, does) in (1..).zip(rounds) {
            let (name, number) = (format!("replica-{round}"), format!("1.{round}.0"));
            let standby = replica(world, &name).await?;
            let version = world.stage("fraud", &number).await?;
            let request = world.open_request(&version, Stage::Production).await?;
            if matches!(does, Leader::StoppedBefore) {
                leader.freeze()?;
            }
            world.approve(&version, &request.id).await?;
            if matches!(does, Leader::StoppedDuring) {
                leader.freeze()?;
            }
            give_the_lease_to(world, &name).await?;
            world.await_stage(&version, Stage::Production).await?;
            if !matches!(does, Leader::Works) {
                leader.thaw()?;
            }
            leader.end().await?;
            leader = standby;
        }

        let numbers: Vec<_> = (0..=rounds.len()).map(|n| format!("1.{n}.0")).collect();
        let last = numbers.last().expect("there are rounds").clone();
        let md = world.await_main("fraud", &last).await?;
        let mains = md.status.map(|status| status.history).unwrap_or_default();
        let mains: Vec<_> = mains.into_iter().map(|record| record.version).collect();
        ensure!(mains == numbers, "each version was main once, in this order: {numbers:?}, not {mains:?}");
        for number in &numbers {
            let stage = if *number == last { Stage::Production } else { Stage::Archived };
            let version = world.await_stage(&format!("fraud-{number}"), stage).await?;
            let approved = version.history().iter();
            let approved =
                approved.filter(|h| h.decision == Decision::Approved && h.to == Stage::Production).count();
            ensure!(approved == 1, "{number} was approved {approved} times: {:?}", version.history());
        }
        let selects = |service: &Service| {
            let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
            selector.is_some_and(|s| s.get("understudy.dev/version") == Some(&last))
        };
        world.await_object("callers reach the last main", "fraud", selects).await?;
        let settled = |md: &ModelDeployment| md.status.as_ref().is_some_and(|s| s.rollout.is_none());
        world.await_deployment("no roll-out is left", "fraud", settled).await?;
        invariants.ensure_held()
    })
    .await
}
