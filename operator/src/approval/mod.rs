//! The controller of `ModelVersion`: requests, decisions, and the state of the version's pods.
//!
//! Only this controller writes the status of a version. It never starts or stops a pod: [`crate::rollout`] does, and
//! this controller follows its progress.

mod announce;
mod approvers;
mod conditions;
mod decide;
mod main_rules;
mod notes;
mod observe;
mod proof;
mod record;
mod requirements;
mod step;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::runtime::events::EventType;
use understudy_crds::{ModelVersion, ModelVersionStatus};

pub use self::proof::unproven_since;
use self::{
    announce::announce,
    decide::{NextStep, Step},
    observe::Observed,
};
pub use crate::cluster::kinds::Error;
use crate::{clock, cluster::kinds, context::Context, controller::Action, decision_log, reasons};

/// One pass over one version.
pub async fn reconcile(mv: Arc<ModelVersion>, ctx: Arc<Context>) -> Result<Action, Error> {
    let now = clock::now();
    // A pass or a process before may have recorded something and ended before it announced it.
    announce(&ctx, &mv).await;
    let observed = observe::from_cache(&mv, &ctx);
    let hold = match decide::decide(&observed, now) {
        // The cache is enough to do nothing. Before a step, the API server is read.
        NextStep::Act(step) => return Box::pin(act(&mv, &ctx, &step, now)).await,
        NextStep::Hold(hold) => Some(hold),
        NextStep::Rest => None,
    };
    let observed = observe::pods(observed, &ctx).await;
    let status = conditions::status(&observed, hold.as_ref(), now);
    update_status(&ctx, &mv, status).await?;
    Ok(next_pass(&observed, now))
}

async fn act(mv: &ModelVersion, ctx: &Context, expected: &Step, now: Timestamp) -> Result<Action, Error> {
    let check = async { if expected.needs_policy() { Some(ctx.policy.check(Some(mv)).await) } else { None } };
    let (observed, checked) = tokio::join!(observe::afresh(mv, ctx), check);
    let Some(observed) = observed? else { return Ok(Action::await_change()) };
    let step = match decide::decide(&observed, now) {
        NextStep::Act(step) => step,
        NextStep::Hold(_) | NextStep::Rest => return Ok(Action::await_change()),
    };
    let (step, policy) = if step.needs_policy() {
        let enforced = match checked {
            Some(enforced) => enforced,
            None => ctx.policy.check(Some(&observed.version)).await,
        };
        // The API server is in trouble for a moment: nothing to say about the request, and nothing to write.
        if enforced.reason() == reasons::Policy::NotChecked && !ctx.policy.is_out_of_reach() {
            return Ok(Action::requeue(POLICY_RETRY));
        }
        if !enforced.active {
            let hold = decide::Hold::policy_inactive(&enforced.message, matches!(step, Step::Approve { .. }));
            let status = conditions::status(&observed, Some(&hold), now);
            update_status(ctx, &observed.version, status).await?;
            return Ok(Action::requeue(POLICY_RETRY));
        }
        let fingerprint = enforced.installed.as_ref().map(|installed| installed.fingerprint.as_str());
        (
            decide::under(step, observed.version.transition(), fingerprint),
            enforced.installed.map(|installed| installed.policy),
        )
    } else {
        (step, None)
    };
    let next = record::apply(&observed, &step, policy, now);
    let written = write_status(ctx, &observed.version, next).await?;
    announce(ctx, &written).await;
    for entry in record::unrecorded(&observed, &step, now) {
        decision_log::unrecorded(&written, &entry, &ctx.metrics);
        let reason = reasons::Hold::HistoryFull.as_str();
        ctx.journal.event(&written, EventType::Warning, reason, &notes::unrecorded(&entry)).await;
    }
    // The event of the write triggers the next pass.
    Ok(Action::await_change())
}

/// Pause before a step that waits for the approval policy is tried again. A change of the policy ends it earlier.
const POLICY_RETRY: Duration = Duration::from_secs(5);

/// When the next pass is without an event: when the open request expires, or when pods are asked again.
fn next_pass(observed: &Observed, now: Timestamp) -> Action {
    let expires = observed
        .version
        .transition()
        .filter(|t| t.approval.is_none())
        .and_then(|t| t.expires_at.as_ref())
        .map(|at| Duration::try_from(at.0.duration_since(now)).unwrap_or_default())
        .map(|left| left + Duration::from_millis(50));
    let next = expires.into_iter().chain(observed.ask_again_after(now)).min();
    next.map_or_else(Action::await_change, Action::requeue)
}

/// Writes the status of the version that was read if it has changed, and publishes events for the changes.
async fn update_status(ctx: &Context, read: &ModelVersion, next: ModelVersionStatus) -> Result<(), Error> {
    if read.status.as_ref() == Some(&next) {
        return Ok(());
    }
    let before = read.status.clone().unwrap_or_default();
    let written = write_status(ctx, read, next).await?;
    for (type_, reason, note) in conditions::events(&before, written.status.as_ref()) {
        ctx.journal.event(&written, type_, &reason, &note).await;
    }
    Ok(())
}

/// Writes the status of the version that was read. A conflict means that the decision must be made again.
async fn write_status(
    ctx: &Context,
    read: &ModelVersion,
    status: ModelVersionStatus,
) -> Result<ModelVersion, Error> {
    let mut next = read.clone();
    next.status = Some(status);
    let written = kinds::write_status(&ctx.client, read, &next).await?;
    ctx.cache.versions.wrote(&written);
    Ok(written)
}

#[cfg(test)]
mod announce_tests;
#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod scenario_tests;
#[cfg(test)]
mod unreadable_tests;
