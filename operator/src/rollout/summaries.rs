//! The summaries of main's pods, if the deployment needs them.

use std::time::Instant;

use kube::ResourceExt;
use tracing::warn;
use understudy_crds::ModelVersion;
use understudy_stats::Identity;

use super::{challenger::Challenger, observe::Observed, rounds::Rounds, verify::Readiness};
use crate::{
    cluster::key::Key,
    context::Context,
    model_server::{collector::Pair, summary::Collected},
};

/// Whether a comparison or drift needs the summaries of pods.
pub fn are_wanted(main: &ModelVersion, challenger: &Challenger) -> bool {
    challenger.accepted().is_some() || main.spec.baseline.is_some()
}

/// What main's pods have counted, if a round has ended. Begins the next one if it is due.
pub fn collect(
    ctx: &Context,
    rounds: &Rounds,
    observed: &Observed,
    main: Option<&ModelVersion>,
    challenger: &Challenger,
    readiness: &Readiness,
) -> Option<Collected> {
    let main = main.filter(|main| are_wanted(main, challenger) && !readiness.changes_main())?;
    let uid = observed.md.uid()?;
    let of =
        Pair { main: identity(main), challenger: challenger.accepted().map(|version| identity(version)) };
    if let Some(collected) = ctx.collector.take(&uid, &of) {
        let Collected { requested, answered, .. } = collected;
        if answered < requested {
            let (namespace, deployment) = (observed.namespace(), observed.md.name_any());
            warn!(
                namespace,
                deployment, requested, answered, "failed to get the summaries of all pods of main"
            );
        }
        return Some(collected);
    }
    let ready = &observed.pods_of(&main.spec.version).ready_addresses;
    let addresses: Vec<_> = ready.iter().map(|pod| pod.ip.clone()).collect();
    if !addresses.is_empty() && rounds.begins(&uid, Instant::now()) {
        let key = Key::new(&observed.namespace(), &observed.md.name_any());
        ctx.collector.begin(uid, key, addresses, of);
    }
    None
}

/// The version as pods identify it.
pub fn identity(version: &ModelVersion) -> Identity {
    Identity { version: version.spec.version.clone(), digest: version.spec.artifact.digest() }
}
