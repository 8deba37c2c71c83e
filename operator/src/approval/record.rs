//! The status after a step. Pure.

use jiff::Timestamp;
use understudy_crds::{
    Decision, END_OF_APPROVED, Grant, HISTORY_CAPACITY, HistoryEntry, ModelVersion, ModelVersionStatus,
    PolicyReference, Stage, Transition, annotations,
};

use super::{
    approvers, conditions,
    decide::{OPERATOR, Step, fresh_id},
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
    let entries = entries(observed, step, policy, now);
    let status = after.version.status.get_or_insert_default();
    if let Some(deployment) = &observed.deployment {
        status.deployment_uid.clone_from(&deployment.metadata.uid);
    }
    if step.settles_comment() {
        status.last_comment = annotations::value(&observed.version, annotations::REASON);
    }
    match step {
        Step::Open(transition) => status.transition = Some(transition.as_ref().clone()),
        Step::Accept(acceptance) => status.acceptance = Some(acceptance.clone()),
        Step::Close { decision, .. } => {
            // After a withdrawal, the spec may contain the next request: it must not count as settled.
            if status.transition.take().is_some() && *decision != Decision::Withdrawn {
                status.settled_generation = generation;
            }
        }
        Step::Approve { by, comment } => {
            status.transition = with_approval(observed, by, comment.as_ref(), now);
            // Staging takes effect immediately. A step that changes main waits for the roll-out.
            let is_immediate = |open: &Transition| {
                open.approval.is_some() && open.from != Stage::Production && open.to == Stage::Staging
            };
            if status.transition.as_ref().is_some_and(is_immediate) {
                status.stage = Stage::Staging;
                status.transition = None;
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

/// Whether a person moved the version by a request of their own, which needed no approval.
fn is_own_act(decision: Decision, requested_by: &str) -> bool {
    decision == Decision::Retired && requested_by != OPERATOR
}

/// The open request with one more approval. The last one that is needed approves the request.
fn with_approval(
    observed: &Observed,
    by: &str,
    comment: Option<&String>,
    now: Timestamp,
) -> Option<Transition> {
    let mut open = observed.version.transition()?.clone();
    let grant = Grant { by: by.to_owned(), at: now.into(), comment: comment.cloned() };
    let needed = approvers::needed(observed, &open.requested_by, Some(&open));
    open.approvals.push(grant.clone());
    open.approvers = needed;
    open.approved = Some(approvers::progress(&open.approvals, needed));
    let given = i32::try_from(open.approvals.len()).unwrap_or(i32::MAX);
    open.approval = (given >= needed).then_some(grant);
    Some(open)
}

/// The entries of `step` for which the history has no room. The step happens nevertheless, and is only announced:
/// otherwise the version would stay in a stage that it has left.
pub fn unrecorded(observed: &Observed, step: &Step, now: Timestamp) -> Vec<HistoryEntry> {
    entries(observed, step, None, now).into_iter().skip(room(&observed.version)).collect()
}

fn room(version: &ModelVersion) -> usize {
    MOST_ENTRIES.saturating_sub(version.history().len())
}

/// What `step` adds to the history.
fn entries(
    observed: &Observed,
    step: &Step,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> Vec<HistoryEntry> {
    let version = &observed.version;
    let open = version.transition();
    match step {
        Step::Open(_) | Step::Accept(_) | Step::Complete { .. } => vec![],
        Step::Close { decision, by, reason } => open
            .map(|open| entry(observed, open, *decision, by, reason.clone(), None, now))
            .into_iter()
            .collect(),
        Step::Approve { by, comment } => {
            let open = with_approval(observed, by, comment.as_ref(), now);
            // An approval that is not the last one is recorded in the request.
            open.filter(|open| open.approval.is_some())
                .map(|open| entry(observed, &open, Decision::Approved, by, None, policy, now))
                .into_iter()
                .collect()
        }
        Step::Move { to, decision, requested_by, decided_by, reason } => {
            let withdrawn = open.filter(|open| open.approval.is_none()).map(|open| {
                entry(observed, open, Decision::Withdrawn, decided_by, Some(reason.clone()), None, now)
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
                comment: approvers::comment(version).filter(|_| is_own_act(*decision, requested_by)),
                breaking: None,
                approvals: vec![],
                digest: version.spec.artifact.digest(),
                deployment_uid: deployment_uid(observed),
                policy: None,
            };
            withdrawn.into_iter().chain([moved]).collect()
        }
    }
}

/// The uid of the deployment under which an entry is written.
fn deployment_uid(observed: &Observed) -> Option<String> {
    observed.deployment.as_ref()?.metadata.uid.clone()
}

fn entry(
    observed: &Observed,
    transition: &Transition,
    decision: Decision,
    by: &str,
    reason: Option<String>,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> HistoryEntry {
    // The API server accepts each id once. A request that ends after its approval has an entry already.
    let known = observed.version.history().iter().any(|entry| entry.id == transition.id);
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
        comment: transition.comment.clone(),
        breaking: transition.breaking.clone(),
        approvals: transition.approvals.clone(),
        digest: transition.digest.clone(),
        deployment_uid: deployment_uid(observed),
        policy,
    }
}
