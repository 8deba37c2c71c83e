//! Events about changes between two statuses.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::EventType;
use understudy_crds::{
    ColumnRole, DriftStatus, MainReason, ModelDeployment, ModelDeploymentStatus, RollbackResult,
    condition::{
        self, APPROVAL_POLICY_ACTIVE, CHALLENGER_READY, DATA_DRIFT, DATA_ISSUE, PREDICTION_DRIFT, RUNNING,
        STALLED,
    },
};

use super::pass::Pass;
use crate::{
    context::Context,
    reasons::{self, Challenger as Reason, Event as EventReason},
    rollout::plan::{Candidate, Next},
};

/// Reasons that have no event, because nothing is wrong.
const EXPECTED: [&str; 4] = [
    reasons::Running::NoMain.as_str(),
    reasons::Running::Starting.as_str(),
    reasons::Policy::NotTried.as_str(),
    // It concerns each deployment, and the API server is in trouble. The log and an alert say it once.
    reasons::Policy::NotChecked.as_str(),
];
/// Reasons that have no event while a challenger starts.
const NOT_YET: [Reason; 3] = [Reason::Starting, Reason::PodsNotReady, Reason::NoMain];

/// Publishes events for the changes, after the status was written.
pub async fn announce(
    ctx: &Context,
    md: &ModelDeployment,
    before: &ModelDeploymentStatus,
    after: &ModelDeploymentStatus,
    pass: &Pass<'_>,
    changed: bool,
) {
    if changed {
        let (reason, note) = match &pass.plan.next {
            Next::Promote(c) => {
                // Approvals are recorded in whole seconds.
                let took = jiff::Timestamp::now().duration_since(c.approved_at);
                ctx.metrics.served(std::time::Duration::try_from(took).unwrap_or_default());
                became_main(c)
            }
            _ => (EventReason::TakenDown.as_str(), "no version is main any more".to_owned()),
        };
        ctx.journal.event(md, EventType::Normal, reason, &note).await;
    }
    let refused = after.rollback.as_ref().filter(|r| r.result == RollbackResult::Refused);
    if let Some(rollback) = refused.filter(|r| before.rollback.as_ref() != Some(r)) {
        ctx.journal
            .event(md, EventType::Warning, EventReason::RollbackRefused.as_str(), &rollback.message)
            .await;
    }
    if let Some((reason, note)) = timed_out(before, after) {
        ctx.metrics.timed_out(reason);
        ctx.journal.event(md, EventType::Warning, EventReason::RolloutTimedOut.as_str(), note).await;
    }
    for (type_, bad) in [(STALLED, "True"), (APPROVAL_POLICY_ACTIVE, "False"), (RUNNING, "False")] {
        let new = condition::find(&after.conditions, type_)
            .filter(|c| c.status == bad && !EXPECTED.contains(&c.reason.as_str()));
        let old = condition::find(&before.conditions, type_);
        if let Some(new) =
            new.filter(|n| old.is_none_or(|o| (&o.status, &o.reason) != (&n.status, &n.reason)))
        {
            ctx.journal.event(md, EventType::Warning, &new.reason, &new.message).await;
        }
    }
    for (type_, reason, note) in changes(before, after) {
        ctx.journal.event(md, type_, &reason, &note).await;
    }
}

/// Reason and note of the event after this version became main. Pure.
pub fn became_main(candidate: &Candidate) -> (&'static str, String) {
    let Candidate { version, requested_by, approved_by, .. } = candidate;
    let number = &version.spec.version;
    match candidate.reason {
        MainReason::Promoted => (
            EventReason::Promoted.as_str(),
            format!("{number} is main; requested by {requested_by}, approved by {approved_by}"),
        ),
        MainReason::RolledBack => {
            let people = format!("rolled back by {requested_by}; approved for Production by {approved_by}");
            (EventReason::RolledBack.as_str(), format!("{number} is main again; {people}"))
        }
    }
}

/// What would have made a version main, and the note, if the deadline of a promotion or rollback has just ended. Pure.
fn timed_out<'a>(
    before: &ModelDeploymentStatus,
    after: &'a ModelDeploymentStatus,
) -> Option<(MainReason, &'a str)> {
    let rollout = after.rollout.as_ref().filter(|r| r.deadline_exceeded);
    let known = before.rollout.as_ref().filter(|r| r.deadline_exceeded).map(|r| &r.transition);
    let promotion = rollout.filter(|r| known != Some(&r.transition));
    let rollback = after.rollback.as_ref().filter(|r| r.result == RollbackResult::TimedOut);
    let rollback = rollback.filter(|r| before.rollback.as_ref() != Some(r));
    promotion
        .map(|r| (MainReason::Promoted, r.message.as_str()))
        .or_else(|| rollback.map(|r| (MainReason::RolledBack, r.message.as_str())))
}

/// Severity, reason and note of one event.
type Event = (EventType, String, String);

/// Events about challenger and drift. Pure.
fn changes(before: &ModelDeploymentStatus, after: &ModelDeploymentStatus) -> Vec<Event> {
    let drift = [
        (DATA_DRIFT, EventReason::DataDriftOver, ColumnRole::Input),
        (PREDICTION_DRIFT, EventReason::PredictionDriftOver, ColumnRole::Output),
    ];
    let drift = drift.into_iter().filter_map(|(type_, over, role)| {
        found_out(before, after, (type_, over), |drift| {
            let features = drift.features.iter().filter(|feature| feature.role == role);
            features.map(|feature| feature.name.clone()).collect()
        })
    });
    let issues = found_out(before, after, (DATA_ISSUE, EventReason::DataIssueOver), |drift| {
        drift.issues.iter().map(|issue| (issue.role, issue.name.clone(), issue.issue)).collect()
    });
    challenged(before, after).into_iter().chain(drift).chain(issues).collect()
}

fn challenged(before: &ModelDeploymentStatus, after: &ModelDeploymentStatus) -> Option<Event> {
    let old = condition::find(&before.conditions, CHALLENGER_READY);
    let Some(new) = condition::find(&after.conditions, CHALLENGER_READY) else {
        let old = before.challenger.as_ref()?;
        let note = format!("{} gets no more copies: spec.challenger no longer names it", old.version);
        return Some((EventType::Normal, EventReason::ChallengerRemoved.as_str().to_owned(), note));
    };
    let named = |s: &ModelDeploymentStatus| s.challenger.as_ref().map(|c| c.model_version.clone());
    let same = |old: &_| known(old, new) && named(before) == named(after);
    if old.is_some_and(same) {
        return None;
    }
    let was_ready = old.is_some_and(|old| old.status == "True");
    match new.status.as_str() {
        "True" => {
            Some((EventType::Normal, EventReason::ChallengerReady.as_str().to_owned(), new.message.clone()))
        }
        // Pods that start, or a main that is missing, are expected.
        _ if !was_ready && NOT_YET.iter().any(|reason| new.reason == reason.as_str()) => None,
        // It was promoted, and spec.challenger still names it.
        _ if new.reason == Reason::IsMain.as_str() => {
            Some((EventType::Normal, new.reason.clone(), new.message.clone()))
        }
        _ => Some((EventType::Warning, new.reason.clone(), new.message.clone())),
    }
}

fn known(old: &Condition, new: &Condition) -> bool {
    (&old.status, &old.reason) == (&new.status, &new.reason)
}

/// The event of drift or issues that begin, include one more feature, or end. `found` are those of a status.
fn found_out<K: Ord>(
    before: &ModelDeploymentStatus,
    after: &ModelDeploymentStatus,
    (type_, over): (&str, EventReason),
    found: impl Fn(&DriftStatus) -> BTreeSet<K>,
) -> Option<Event> {
    let new = condition::find(&after.conditions, type_)?;
    let was = condition::is_true(&before.conditions, type_);
    let found = |s: &ModelDeploymentStatus| s.drift.as_ref().map_or_else(BTreeSet::new, &found);
    match (new.status.as_str(), was) {
        ("True", true) if found(after).is_subset(&found(before)) => None,
        ("True", _) => Some((EventType::Warning, type_.to_owned(), new.message.clone())),
        ("False", true) => Some((EventType::Normal, over.as_str().to_owned(), new.message.clone())),
        _ => None,
    }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
