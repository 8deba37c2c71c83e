//! The status of a deployment: what is main, what was, and how it is. Written only when it differs.

mod challenger;
mod conditions;
mod events;
mod pass;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    MainReason, MainRecord, ModelDeployment, ModelDeploymentStatus, Previous, RollbackResult, Rollout,
    ServedVersion, Stage, Staged, names,
};

pub use self::pass::{Calls, Pass};
use super::{
    error::Error,
    expectations::Expectations,
    observe::Observed,
    plan::{Candidate, Next},
    verify::Readiness,
};
use crate::{cluster::kinds, context::Context, policy::Enforcement};

/// Versions in Staging that are listed; the kind holds no more.
const STAGED: usize = 256;
/// Entries of the record that are kept: years of changes, and far from the size limit of an object.
const HISTORY: usize = 100;

/// Writes the status if it differs, onto exactly the deployment that was judged, and publishes what happened.
pub async fn update(
    ctx: &Context,
    expectations: &Expectations,
    observed: &Observed,
    pass: &Pass<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let base = match pass.readiness {
        Readiness::Change { md } => md.as_ref(),
        _ => observed.md.as_ref(),
    };
    // What callers were not sent to yet is not recorded as main.
    let changed = pass.readiness.changes_main() && pass.routed.is_none();
    let policy = ctx.policy.subscribe().borrow().clone();
    let before = base.status.clone().unwrap_or_default();
    let next = status(base, observed, pass, changed, &policy, now);
    if base.status.is_some() && before == next {
        return Ok(());
    }
    let mut object = base.clone();
    object.status = Some(next.clone());
    let written = kinds::replace_status(&ctx.client, &object).await?;
    if changed {
        expectations.expect(&written);
    }
    events::announce(ctx, base, &before, &next, pass, changed).await;
    Ok(())
}

/// The status as it should be. Pure.
fn status(
    base: &ModelDeployment,
    observed: &Observed,
    pass: &Pass<'_>,
    changed: bool,
    policy: &Enforcement,
    now: Timestamp,
) -> ModelDeploymentStatus {
    let mut status = base.status.clone().unwrap_or_default();
    status.url = Some(names::url(&base.name_any(), &observed.namespace()));
    status.observed_generation = base.metadata.generation;
    status.rollback.clone_from(&pass.plan.rollback);
    if changed {
        change_main(&mut status, base, &pass.plan.next, now);
    }
    if let Some(main) = status.main.as_mut() {
        main.ready_replicas = observed.pods_of(&main.version).ready_replicas();
    }
    status.staging = staging(observed);
    status.rollout = rollout(pass);
    conditions::fill_in(&mut status, base, pass, policy, now);
    // Pods that could not be notified of a change go on as before.
    if pass.routed.is_none() {
        challenger::fill_in(&mut status, observed, &pass.calls, now);
    }
    status
}

fn change_main(status: &mut ModelDeploymentStatus, base: &ModelDeployment, next: &Next, now: Timestamp) {
    if let Some(open) = status.history.last_mut().filter(|r| r.to.is_none()) {
        open.to = Some(now.into());
    }
    let keep_warm = std::time::Duration::from(base.spec.rollback.keep_warm);
    // What drifted from the old main's baseline says nothing of the new one's.
    status.drift = None;
    if let Some(old) = status.main.take() {
        status.previous = Some(Previous {
            version: old.version,
            model_version: old.model_version,
            digest: old.digest,
            warm_until: now.checked_add(keep_warm).unwrap_or(now).into(),
        });
    }
    if let Next::Promote(candidate) = next {
        status.main = Some(served(candidate, now));
        status.history.push(record(candidate, now));
        let surplus = status.history.len().saturating_sub(HISTORY);
        status.history.drain(..surplus);
        if let Some(rollback) = status.rollback.as_mut().filter(|r| r.result == RollbackResult::Pending) {
            rollback.result = RollbackResult::Done;
            rollback.message = format!("{} is main again", candidate.version.spec.version);
        }
    }
}

fn served(candidate: &Candidate, now: Timestamp) -> ServedVersion {
    ServedVersion {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        digest: candidate.version.spec.artifact.digest(),
        since: now.into(),
        transition: candidate.transition.clone(),
        ready_replicas: 0,
    }
}

fn record(candidate: &Candidate, now: Timestamp) -> MainRecord {
    MainRecord {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        digest: candidate.version.spec.artifact.digest(),
        from: now.into(),
        to: None,
        reason: candidate.reason,
        requested_by: candidate.requested_by.clone(),
        approved_by: candidate.approved_by.clone(),
        approved_at: (candidate.reason == MainReason::Promoted).then(|| candidate.approved_at.into()),
        transition: candidate.transition.clone(),
    }
}

fn staging(observed: &Observed) -> Vec<Staged> {
    let staged = observed.versions.iter().filter(|v| v.stage() == Stage::Staging);
    staged
        .take(STAGED)
        .map(|v| Staged {
            version: v.spec.version.clone(),
            model_version: v.name_any(),
            ready_replicas: observed.pods_of(&v.spec.version).ready_replicas(),
            url: names::url(
                &names::version_object(&observed.md.name_any(), &v.spec.version),
                &observed.namespace(),
            ),
        })
        .collect()
}

fn rollout(pass: &Pass<'_>) -> Option<Rollout> {
    let (Next::Promote(candidate), Readiness::Wait { message, .. }) = (&pass.plan.next, pass.readiness)
    else {
        return None;
    };
    Some(Rollout {
        version: candidate.version.spec.version.clone(),
        model_version: candidate.version.name_any(),
        transition: candidate.transition.clone(),
        message: message.clone(),
    })
}
