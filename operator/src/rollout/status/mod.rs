//! The status of a deployment: what is main, what was, and how it is. Written only when it differs.

mod beside;
mod news;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    MainRecord, ModelDeployment, ModelDeploymentStatus, Previous, RollbackResult, Rollout, ServedVersion,
    Stage, Staged,
    condition::{self, APPROVAL_POLICY_ACTIVE, DEPLOYED, READY, RECONCILING, RUNNING, STALLED},
    names,
};

pub use beside::Beside;

use super::{
    apply::Workloads,
    error::Error,
    expectations::Expectations,
    observe::Observed,
    plan::{Candidate, Next, Plan},
    running::Running,
    verify::Readiness,
};
use crate::{cluster::kinds, context::Context, policy::Enforcement, reasons};

/// Versions in Staging that are listed; the kind holds no more.
const STAGED: usize = 256;
/// Entries of the record that are kept: years of changes, and far from the size limit of an object.
const HISTORY: usize = 100;

/// What a pass has found and done.
pub struct Facts<'a> {
    pub plan: &'a Plan,
    pub workloads: &'a Workloads,
    pub readiness: &'a Readiness,
    pub routed: Option<&'a Error>,
    pub running: Running,
    pub beside: Beside<'a>,
}

/// Writes the status if it differs, onto exactly the deployment that was judged, and tells what happened.
pub async fn update(
    ctx: &Context,
    expectations: &Expectations,
    observed: &Observed,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let base = match facts.readiness {
        Readiness::Change { md } => md.as_ref(),
        _ => observed.md.as_ref(),
    };
    // What callers were not sent to yet is not recorded as main.
    let changed = facts.readiness.changes_main() && facts.routed.is_none();
    let policy = ctx.policy.subscribe().borrow().clone();
    let before = base.status.clone().unwrap_or_default();
    let next = status(base, observed, facts, changed, &policy, now);
    if base.status.is_some() && before == next {
        return Ok(());
    }
    let mut object = base.clone();
    object.status = Some(next.clone());
    let written = kinds::replace_status(&ctx.client, &object).await?;
    if changed {
        expectations.expect(&written);
    }
    news::announce(ctx, base, &before, &next, facts, changed).await;
    Ok(())
}

/// The status as it should be. Pure.
fn status(
    base: &ModelDeployment,
    observed: &Observed,
    facts: &Facts<'_>,
    changed: bool,
    policy: &Enforcement,
    now: Timestamp,
) -> ModelDeploymentStatus {
    let mut status = base.status.clone().unwrap_or_default();
    status.url = Some(names::url(&base.name_any(), &observed.namespace()));
    status.observed_generation = base.metadata.generation;
    status.rollback.clone_from(&facts.plan.rollback);
    if changed {
        change_main(&mut status, base, &facts.plan.next, now);
    }
    if let Some(main) = status.main.as_mut() {
        main.ready_replicas = observed.pods_of(&main.version).ready_replicas();
    }
    status.staging = staging(observed);
    status.rollout = rollout(facts);
    conditions(&mut status, base, facts, policy, now);
    // Pods that could not be told of a change go on as they were told before.
    if facts.routed.is_none() {
        beside::fill_in(&mut status, observed, &facts.beside, now);
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

fn rollout(facts: &Facts<'_>) -> Option<Rollout> {
    let (Next::Promote(candidate), Readiness::Wait { message, .. }) = (&facts.plan.next, facts.readiness)
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

fn conditions(
    status: &mut ModelDeploymentStatus,
    base: &ModelDeployment,
    facts: &Facts<'_>,
    policy: &Enforcement,
    now: Timestamp,
) {
    let generation = base.metadata.generation;
    let mut conditions = std::mem::take(&mut status.conditions);
    // What was known before the first main is that there is none.
    let first = status.main.is_some()
        && condition::find(&conditions, RUNNING)
            .is_none_or(|running| running.reason == reasons::Running::NoMain.as_str());
    let mut set = |type_: &str, value: bool, reason: &str, message: &str| {
        condition::set(&mut conditions, type_, value, (reason, message), generation, now);
    };

    let wanted = base.spec.replicas;
    let deployed = match &status.main {
        None => (false, reasons::Deployed::NoMain, "no version is in Production yet".to_owned()),
        Some(main) if main.ready_replicas >= wanted => (
            true,
            reasons::Deployed::PodsReady,
            format!("{wanted} of {wanted} pods of {} are ready", main.version),
        ),
        Some(main) => (
            false,
            reasons::Deployed::PodsNotReady,
            format!("{} of {wanted} pods of {} are ready", main.ready_replicas, main.version),
        ),
    };
    set(DEPLOYED, deployed.0, deployed.1.as_str(), &deployed.2);
    match &facts.running {
        Running::Yes => set(
            RUNNING,
            true,
            reasons::Running::Answers.as_str(),
            "a real inference was answered through the Service",
        ),
        Running::No { reason, message } => set(RUNNING, false, reason.as_str(), message),
        Running::AsBefore if first => {
            set(RUNNING, false, reasons::Running::Starting.as_str(), "main has just been chosen")
        }
        Running::AsBefore => {}
    }
    set(APPROVAL_POLICY_ACTIVE, policy.active, policy.reason().as_str(), &policy.message);

    let running = condition::find(&conditions, RUNNING)
        .map(|c| (c.status == "True", c.reason.clone(), c.message.clone()));
    let running = running.unwrap_or((
        false,
        reasons::Running::Starting.as_str().to_owned(),
        "main has just been chosen".to_owned(),
    ));
    let failure = facts.workloads.failure().or(facts.routed);
    let ready = match failure {
        Some(error) => (false, error.reason().to_owned(), crate::error_chain::chain(error)),
        None if !deployed.0 => (false, deployed.1.as_str().to_owned(), deployed.2),
        None => running,
    };
    condition::set(&mut conditions, READY, ready.0, (&ready.1, &ready.2), generation, now);
    match (failure, facts.readiness) {
        (Some(error), _) => {
            condition::set(&mut conditions, STALLED, true, (error.reason(), &ready.2), generation, now);
        }
        (None, _) => condition::clear(&mut conditions, STALLED),
    }
    match facts.readiness {
        Readiness::Wait { reason, message } if failure.is_none() => {
            condition::set(&mut conditions, RECONCILING, true, (reason.as_str(), message), generation, now);
        }
        _ => condition::clear(&mut conditions, RECONCILING),
    }
    status.conditions = conditions;
}
