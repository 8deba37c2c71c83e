//! What was open before an upgrade continues after it.

use anyhow::{Context, Result, ensure};
use understudy_crds::{Decision, ModelDeployment, ModelVersion, Stage, Transition};
use understudy_e2e::{
    bare::World,
    recorded::{State, settled},
};

use crate::installation::{patiently, upgraded};

/// Bob approves the open request for Production until the version is there. An upgrade that changes the approval policy
/// voids the first approval: then the request is opened again with a new id.
async fn approve_until_promoted(world: &World, name: &str) -> Result<()> {
    let mut approved = String::new();
    loop {
        let waits = |t: &Transition| t.approval.is_none() && t.id != approved;
        let is_it = |v: &ModelVersion| v.stage() == Stage::Production || v.transition().is_some_and(waits);
        let version = world.await_version("in Production, or to be approved", name, is_it).await?;
        if version.stage() == Stage::Production {
            return Ok(());
        }
        approved.clone_from(&version.transition().context("awaited above")?.id);
        patiently(async || world.approve(name, &approved).await).await?;
    }
}

/// Who requested and approved Production for the newest main, by the history of `fraud`.
fn people(md: &ModelDeployment) -> Option<(&str, &str)> {
    let newest = md.status.as_ref()?.history.last()?;
    Some((&newest.requested_by, &newest.approved_by))
}

#[test]
fn a_request_that_was_open_can_be_approved_and_is_promoted() -> Result<()> {
    upgraded("requested", async |model| {
        let world = model.world();
        let _operator = model.operator().await?;
        approve_until_promoted(world, "fraud-1.1.0").await?;
        let md = world.await_main("fraud", "1.1.0").await?;
        ensure!(people(&md) == Some(("alice", "bob")), "{:?}", people(&md));
        world.await_stage("fraud-1.0.0", Stage::Archived).await?;
        let now = State::of(world).await?;
        now.ensure_keeps(&model.before, "ModelVersion", "fraud-1.0.0", "/status/history")?;
        now.ensure_keeps(&model.before, "ModelVersion", "fraud-1.1.0", "/status/history")
    })
}

#[test]
fn a_version_that_was_approved_and_waited_for_its_pods_is_promoted_without_another_approval() -> Result<()> {
    upgraded("waiting", async |model| {
        let world = model.world();
        let waited = world.api::<ModelVersion>().get("fraud-1.1.0").await?;
        let waited = waited.transition().context("a transition was recorded")?;
        let _operator = model.operator().await?;
        let promoted = world.await_stage("fraud-1.1.0", Stage::Production).await?;
        let entry = promoted.history().last().context("a promotion has an entry")?;
        ensure!(entry.id == waited.id && entry.decision == Decision::Approved, "{entry:?} of {waited:?}");
        ensure!(entry.decided_by == "bob", "the release recorded bob's approval: {entry:?}");
        let md = world.await_main("fraud", "1.1.0").await?;
        ensure!(people(&md) == Some(("alice", "bob")), "{:?}", people(&md));
        ensure!(md.main().is_some_and(|main| main.transition == waited.id), "{:?}", md.main());
        let now = State::of(world).await?;
        now.ensure_keeps(&model.before, "ModelVersion", "fraud-1.1.0", "/status/history")
    })
}

#[test]
fn after_a_rollback_of_the_last_release_main_stays_and_the_next_version_can_be_promoted() -> Result<()> {
    upgraded("rolled-back", async |model| {
        let world = model.world();
        let operator = model.operator().await?;
        let now = settled(world, &operator).await?;
        for place in ["/status/main", "/status/previous", "/status/rollback", "/status/history"] {
            now.ensure_keeps(&model.before, "ModelDeployment", "fraud", place)?;
        }
        patiently(async || world.request_and_approve("fraud-1.2.0", Stage::Production).await).await?;
        world.await_stage("fraud-1.2.0", Stage::Production).await?;
        let md = world.await_main("fraud", "1.2.0").await?;
        ensure!(people(&md) == Some(("alice", "bob")), "{:?}", people(&md));
        world.await_stage("fraud-1.0.0", Stage::Archived).await.map(drop)
    })
}
