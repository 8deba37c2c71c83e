//! The status after a step. Pure.

use jiff::Timestamp;
use understudy_crds::{
    Decision, END_OF_APPROVED, Grant, HISTORY_CAPACITY, HistoryEntry, ModelVersion, ModelVersionStatus,
    PolicyReference, Stage, Transition,
};

use super::{
    conditions,
    decide::{Step, fresh_id},
    observe::Observed,
};

/// Most entries that the operator writes into a history. The last place stays free: the check of the approval policy
/// tries to add an entry.
const MOST_ENTRIES: usize = HISTORY_CAPACITY - 1;

/// The status after `step`, with its conditions.
pub fn apply(
    observed: &Observed,
    step: &Step,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> ModelVersionStatus {
    let mut after = observed.clone();
    let generation = observed.version.metadata.generation;
    let room = room(&observed.version);
    let entries = entries(&observed.version, step, policy, now);
    let status = after.version.status.get_or_insert_default();
    if let Some(deployment) = &observed.deployment {
        status.deployment_uid.clone_from(&deployment.metadata.uid);
    }
    match step {
        Step::Open(transition) => status.transition = Some(transition.clone()),
        Step::Accept(acceptance) => status.acceptance = Some(acceptance.clone()),
        Step::Close { decision, .. } => {
            // After a withdrawal, the spec may contain the next request: it must not count as settled.
            if status.transition.take().is_some() && *decision != Decision::Withdrawn {
                status.settled_generation = generation;
            }
        }
        Step::Approve { by } => {
            if let Some(transition) = status.transition.as_mut() {
                transition.approval = Some(Grant { by: by.clone(), at: now.into() });
                // Staging takes effect immediately. A step that changes main waits for the roll-out.
                if transition.from != Stage::Production && transition.to == Stage::Staging {
                    status.stage = Stage::Staging;
                    status.transition = None;
                }
            }
        }
        Step::Complete { stage } => {
            status.stage = *stage;
            status.transition = None;
        }
        Step::Move { to, .. } => {
            status.transition = None;
            status.stage = *to;
            status.settled_generation = generation;
        }
    }
    status.history.extend(entries.into_iter().take(room));
    conditions::status(&after, None, now)
}

/// The entries of `step` for which the history has no room. The step happens nevertheless, and is only announced:
/// otherwise the version would stay in a stage that it has left.
pub fn unrecorded(version: &ModelVersion, step: &Step, now: Timestamp) -> Vec<HistoryEntry> {
    entries(version, step, None, now).into_iter().skip(room(version)).collect()
}

fn room(version: &ModelVersion) -> usize {
    MOST_ENTRIES.saturating_sub(version.history().len())
}

/// What `step` adds to the history.
fn entries(
    version: &ModelVersion,
    step: &Step,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> Vec<HistoryEntry> {
    let open = version.transition();
    match step {
        Step::Open(_) | Step::Accept(_) | Step::Complete { .. } => vec![],
        Step::Close { decision, by, reason } => open
            .map(|open| entry(version, open, *decision, by, reason.clone(), None, now))
            .into_iter()
            .collect(),
        Step::Approve { by } => open
            .map(|open| entry(version, open, Decision::Approved, by, None, policy, now))
            .into_iter()
            .collect(),
        Step::Move { to, decision, requested_by, decided_by, reason } => {
            let withdrawn = open.filter(|open| open.approval.is_none()).map(|open| {
                entry(version, open, Decision::Withdrawn, decided_by, Some(reason.clone()), None, now)
            });
            let moved = HistoryEntry {
                id: fresh_id(),
                from: version.stage(),
                to: *to,
                requested_by: requested_by.clone(),
                requested_at: now.into(),
                decision: *decision,
                decided_by: decided_by.clone(),
                decided_at: now.into(),
                reason: Some(reason.clone()),
                digest: version.spec.artifact.digest(),
                policy: None,
            };
            withdrawn.into_iter().chain([moved]).collect()
        }
    }
}

fn entry(
    version: &ModelVersion,
    transition: &Transition,
    decision: Decision,
    by: &str,
    reason: Option<String>,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> HistoryEntry {
    // The API server accepts each id once. A request that ends after its approval has an entry already.
    let known = version.history().iter().any(|entry| entry.id == transition.id);
    let suffix = if known { END_OF_APPROVED } else { "" };
    HistoryEntry {
        id: format!("{}{suffix}", transition.id),
        from: transition.from,
        to: transition.to,
        requested_by: transition.requested_by.clone(),
        requested_at: transition.requested_at.clone(),
        decision,
        decided_by: by.to_owned(),
        decided_at: now.into(),
        reason,
        digest: transition.digest.clone(),
        policy,
    }
}
