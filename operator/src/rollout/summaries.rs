//! Collects what main's pods have counted, where the deployment has a use for it.

use std::time::Instant;

use kube::ResourceExt;
use tracing::warn;
use understudy_crds::ModelVersion;
use understudy_stats::Identity;

use super::{challenger::Challenger, observe::Observed, rounds::Rounds, verify::Readiness};
use crate::{context::Context, model_server::summary::Collected};

/// Whether the summaries of pods have a use: a comparison or drift.
pub fn are_wanted(main: &ModelVersion, challenger: &Challenger) -> bool {
    challenger.accepted().is_some() || main.spec.baseline.is_some()
}

/// Requests the summaries of main's ready pods if a round is due. `None` where it is not.
pub async fn collect(
    ctx: &Context,
    rounds: &Rounds,
    observed: &Observed,
    main: Option<&ModelVersion>,
    challenger: &Challenger,
    readiness: &Readiness,
) -> Option<Collected> {
    let main = main.filter(|main| are_wanted(main, challenger) && !readiness.changes_main())?;
    let addresses = observed.pods_of(&main.spec.version).ready_addresses.clone();
    if addresses.is_empty() || !rounds.begins(&observed.md.uid()?, Instant::now()) {
        return None;
    }
    let beside = challenger.accepted().map(|version| identity(version));
    let collected = ctx.summaries.collect(addresses, &identity(main), beside).await;
    let Collected { requested, answered, .. } = collected;
    if answered < requested {
        let (namespace, deployment) = (observed.namespace(), observed.md.name_any());
        warn!(namespace, deployment, requested, answered, "not all pods of main sent their summary");
    }
    Some(collected)
}

/// How pods identify a version.
pub fn identity(version: &ModelVersion) -> Identity {
    Identity { version: version.spec.version.clone(), digest: version.spec.artifact.digest() }
}
