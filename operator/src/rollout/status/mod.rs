//! The status of a deployment: what is main, what was, and how it is. Written only when it differs.

mod beside;
mod news;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    MainReason, MainRecord, ModelDeployment, ModelDeploymentStatus, Previous, RollbackResult, Rollout,
    ServedVersion, Stage, Staged,
    condition::{self, APPROVAL_POLICY_ACTIVE, DEPLOYED, READY, RECONCILING, RUNNING, STALLED},
    names,
};

pub use beside::Beside;

use super::{
    Error,
    apply::Workloads,
    observe::Observed,
    plan::{Candidate, Next, Plan},
    probe::Running,
    verify::Verdict,
};
use crate::{context::Context, gate::Report, kinds, pods::is_ready};

/// Versions in Staging that are listed; the kind holds no more.
const STAGED: usize = 256;
/// Entries of the record that are kept: years of changes, and far from the size limit of an object.
const HISTORY: usize = 100;

/// What a pass has found and done.
pub struct Facts<'a> {
    pub plan: &'a Plan,
    pub workloads: &'a Workloads,
    pub verdict: &'a Verdict,
    pub routed: Option<&'a Error>,
    pub running: Running,
    pub beside: Beside<'a>,
}

/// Writes the status if it differs, onto exactly the deployment that was judged, and tells what happened.
pub async fn update(
    ctx: &Context,
    observed: &Observed,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let base = match facts.verdict {
        Verdict::Change { md } => md.as_ref(),
        _ => observed.md.as_ref(),
    };
    // What callers were not sent to yet is not recorded as main.
    let changed = facts.verdict.changes_main() && facts.routed.is_none();
    let gate = ctx.gate.subscribe().borrow().clone();
    let before = base.status.clone().unwrap_or_default();
    let next = status(base, observed, facts, changed, &gate, now);
    if base.status.is_some() && before == next {
        return Ok(());
    }
    let mut object = base.clone();
    object.status = Some(next.clone());
    let written = kinds::replace_status(&ctx.client, &object).await?;
    if changed {
        ctx.recorded.note(&written);
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
    gate: &Report,
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
        main.ready_replicas = ready_pods(observed, &main.version);
    }
    status.staging = staging(observed);
    status.rollout = rollout(facts);
    conditions(&mut status, base, facts, gate, now);
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
        approved_at: (candidate.reason == MainReason::Promoted).then(|| candidate.approved_at.into()),
        transition: candidate.transition.clone(),
    }
}

fn ready_pods(observed: &Observed, version: &str) -> i32 {
    let ready = observed.pods_of(version).iter().filter(|p| is_ready(p)).count();
    i32::try_from(ready).unwrap_or(i32::MAX)
}

fn staging(observed: &Observed) -> Vec<Staged> {
    let staged = observed.versions.iter().filter(|v| v.stage() == Stage::Staging);
    staged
        .take(STAGED)
        .map(|v| Staged {
            version: v.spec.version.clone(),
            model_version: v.name_any(),
            ready_replicas: ready_pods(observed, &v.spec.version),
            url: names::url(
                &names::version_object(&observed.md.name_any(), &v.spec.version),
                &observed.namespace(),
            ),
        })
        .collect()
}

fn rollout(facts: &Facts<'_>) -> Option<Rollout> {
    let (Next::Promote(candidate), Verdict::Wait { message, .. }) = (&facts.plan.next, facts.verdict) else {
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
    gate: &Report,
    now: Timestamp,
) {
    let generation = base.metadata.generation;
    let mut conditions = std::mem::take(&mut status.conditions);
    // What was known before the first main is that there is none.
    let first = status.main.is_some()
        && condition::find(&conditions, RUNNING).is_none_or(|running| running.reason == "NoMain");
    let mut set = |type_: &str, value: bool, reason: &str, message: &str| {
        condition::set(&mut conditions, type_, value, (reason, message), generation, now);
    };

    let wanted = base.spec.replicas;
    let deployed = match &status.main {
        None => (false, "NoMain", "no version is in Production yet".to_owned()),
        Some(main) if main.ready_replicas >= wanted => {
            (true, "PodsReady", format!("{wanted} of {wanted} pods of {} are ready", main.version))
        }
        Some(main) => (
            false,
            "PodsNotReady",
            format!("{} of {wanted} pods of {} are ready", main.ready_replicas, main.version),
        ),
    };
    set(DEPLOYED, deployed.0, deployed.1, &deployed.2);
    match &facts.running {
        Running::Yes => set(RUNNING, true, "Answers", "a real inference was answered through the Service"),
        Running::No { reason, message } => set(RUNNING, false, reason, message),
        Running::AsBefore if first => set(RUNNING, false, "Starting", "main has just been chosen"),
        Running::AsBefore => {}
    }
    set(APPROVAL_POLICY_ACTIVE, gate.active, gate.reason(), &gate.message);

    let running = condition::find(&conditions, RUNNING)
        .map(|c| (c.status == "True", c.reason.clone(), c.message.clone()));
    let running = running.unwrap_or((false, "Starting".to_owned(), "main has just been chosen".to_owned()));
    let failure = facts.workloads.failure().or(facts.routed);
    let ready = match failure {
        Some(error) => (false, error.reason().to_owned(), crate::error_chain::chain(error)),
        None if !deployed.0 => (false, deployed.1.to_owned(), deployed.2),
        None => running,
    };
    condition::set(&mut conditions, READY, ready.0, (&ready.1, &ready.2), generation, now);
    match (failure, facts.verdict) {
        (Some(error), _) => {
            condition::set(&mut conditions, STALLED, true, (error.reason(), &ready.2), generation, now);
        }
        (None, _) => condition::clear(&mut conditions, STALLED),
    }
    match facts.verdict {
        Verdict::Wait { reason, message } if failure.is_none() => {
            condition::set(&mut conditions, RECONCILING, true, (reason, message), generation, now);
        }
        _ => condition::clear(&mut conditions, RECONCILING),
    }
    status.conditions = conditions;
}
