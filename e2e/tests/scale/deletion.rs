//! A deletion is a matter of few passes, however many other objects there are. No model has a main yet, so no heartbeat is
//! counted.

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::Service;
use kube::api::DeleteParams;
use understudy_crds::ModelVersion;
use understudy_e2e::scale::{Fleet, VERSIONS, passes};

use crate::world::Installation;

/// Passes that one deletion may cost, those of versions and of deployments together.
const PASSES: u64 = 3;

pub async fn of_a_version(all: &mut Installation<'_>) -> Result<()> {
    let name = Fleet::version(0, 9);
    let before = quiet(all).await?;
    all.fleet.api::<ModelVersion>().delete(&name, &DeleteParams::default()).await?;
    all.versions -= 1;
    costs_little(all, before, PASSES, "a version").await
}

pub async fn of_an_owned_object(all: &Installation<'_>) -> Result<()> {
    let name = understudy_crds::names::version_object(&Fleet::model(0), &Fleet::number(0));
    let before = quiet(all).await?;
    all.fleet.api::<Service>().delete(&name, &DeleteParams::default()).await?;
    // The Service that is made again has another uid, which the status of its deployment records, and a change of a
    // deployment concerns its versions.
    costs_little(all, before, PASSES + u64::try_from(VERSIONS)?, "a Service of a version").await
}

/// The passes so far of an operator that has nothing to do, of versions and of deployments.
async fn quiet(all: &Installation<'_>) -> Result<(u64, u64)> {
    all.rest().await?;
    passes(all.leader()?).await
}

async fn costs_little(all: &Installation<'_>, before: (u64, u64), most: u64, what: &str) -> Result<()> {
    let after = quiet(all).await?;
    let (versions, deployments) = (after.0 - before.0, after.1 - before.1);
    println!("  {versions} passes of versions and {deployments} of deployments after the deletion of {what}");
    let cost = versions + deployments;
    ensure!((1..=most).contains(&cost), "{cost} passes after the deletion of {what}");
    Ok(())
}
