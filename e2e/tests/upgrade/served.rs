//! What serves notices nothing of an upgrade.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use understudy_e2e::recorded::{State, settled};

use crate::installation::{Model, patiently, upgraded};

/// Fails if a pod restarts, or if callers or pods learn of a change.
fn ensure_unnoticed(model: &Model, now: &State) -> Result<()> {
    let before = &model.before;
    // The template first: it says what made the pods restart.
    now.ensure_as_before(before, "Deployment", &["/spec/template", "/spec", "/metadata/generation"])?;
    now.ensure_as_before(before, "Pod", &["/spec"])?;
    let switch = "/metadata/annotations/understudy.dev~1transition";
    now.ensure_as_before(before, "Service", &["/spec", switch])?;
    now.ensure_as_before(before, "ConfigMap", &["/data"])?;
    now.ensure_as_before(before, "PodDisruptionBudget", &["/spec"])
}

/// Fails if something of the record is lost. It may become more complete.
fn ensure_kept(model: &Model, now: &State) -> Result<()> {
    let before = &model.before;
    for place in ["main", "previous", "challenger", "staging", "history", "url", "selector"] {
        now.ensure_keeps(before, "ModelDeployment", "fraud", &format!("/status/{place}"))?;
    }
    let versions: Vec<&str> = before.of_kind("ModelVersion").map(|(name, _)| name).collect();
    ensure!(versions.len() == 4, "recorded are {versions:?}");
    for version in versions {
        now.ensure_keeps(before, "ModelVersion", version, "/spec")?;
        now.ensure_keeps(before, "ModelVersion", version, "/status/stage")?;
        now.ensure_keeps(before, "ModelVersion", version, "/status/history")?;
    }
    for accepted in ["fraud-1.0.0", "fraud-1.1.0"] {
        now.ensure_keeps(before, "ModelVersion", accepted, "/status/acceptance")?;
    }
    Ok(())
}

/// Fails unless what runs is known by the uid of its `ModelVersion`, which the status of that release did not have.
fn ensure_known_by_uid(now: &State) -> Result<()> {
    for (role, version) in
        [("main", "fraud-1.1.0"), ("previous", "fraud-1.0.0"), ("challenger", "fraud-1.2.0")]
    {
        let recorded = now.at("ModelDeployment", "fraud", &format!("/status/{role}/uid"));
        let uid = now.at("ModelVersion", version, "/metadata/uid");
        ensure!(recorded.is_some() && recorded == uid, "{role} is {recorded:?}, and {version} is {uid:?}");
    }
    Ok(())
}

#[test]
fn no_pod_restarts_no_caller_is_moved_and_the_record_is_kept_and_completed() -> Result<()> {
    upgraded("served", async |model| {
        let operator = model.operator().await?;
        let now = settled(model.world(), &operator).await?;
        ensure_unnoticed(model, &now)?;
        ensure_kept(model, &now)?;
        ensure_known_by_uid(&now)
    })
}

#[test]
fn a_rollback_goes_to_the_pods_that_were_kept_for_it() -> Result<()> {
    upgraded("served", async |model| {
        let world = model.world();
        let pods = |state: &State| -> BTreeSet<String> {
            let of_warm = |name: &&str| name.starts_with("fraud-v1-0-0-");
            state.of_kind("Pod").map(|(name, _)| name).filter(of_warm).map(str::to_owned).collect()
        };
        let warm = pods(&model.before);
        ensure!(!warm.is_empty(), "no pod of 1.0.0 was recorded: {:?}", model.before);

        let operator = model.operator().await?;
        // What it would delete is deleted by then.
        settled(world, &operator).await?;
        patiently(async || world.roll_back("fraud", "1.0.0", "now").await).await?;
        let md = world.await_main("fraud", "1.0.0").await?;
        world.await_stage("fraud-1.0.0", understudy_crds::Stage::Production).await?;
        world.await_stage("fraud-1.1.0", understudy_crds::Stage::Archived).await?;
        let now = State::of(world).await?;
        ensure!(warm.is_subset(&pods(&now)), "the pods {warm:?} were replaced by {:?}", pods(&now));
        let since = md.main().context("awaited above")?;
        ensure!(since.transition == "rollback:1.0.0#now", "made main by {}", since.transition);
        now.ensure_keeps(&model.before, "ModelVersion", "fraud-1.0.0", "/status/history")
    })
}
