//! The status after a step. Pure.

use jiff::Timestamp;
use understudy_crds::{
    Decision, END_OF_APPROVED, Grant, HistoryEntry, ModelVersionStatus, PolicyReference, Stage, Transition,
};

use super::{
    conditions,
    decide::{Step, fresh_id},
    observe::Observed,
};

/// The status after `step`, with its conditions.
pub fn apply(
    observed: &Observed,
    step: &Step,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> ModelVersionStatus {
    let mut after = observed.clone();
    let generation = observed.version.metadata.generation;
    let digest = observed.version.spec.artifact.digest();
    let status = after.version.status.get_or_insert_default();
    if let Some(deployment) = &observed.deployment {
        status.deployment_uid.clone_from(&deployment.metadata.uid);
    }
    match step {
        Step::Open(transition) => status.transition = Some(transition.clone()),
        Step::Accept(acceptance) => status.acceptance = Some(acceptance.clone()),
        Step::Close { decision, by, reason } => {
            if let Some(transition) = status.transition.take() {
                let mut entry = entry(&transition, *decision, by, reason.clone(), None, now);
                // The approval of this request has its id already, and ids in the history are unique.
                if status.history.iter().any(|h| h.id == entry.id) {
                    entry.id.push_str(END_OF_APPROVED);
                }
                status.history.push(entry);
                // After a withdrawal, the spec may contain the next request: it must not count as settled.
                if *decision != Decision::Withdrawn {
                    status.settled_generation = generation;
                }
            }
        }
        Step::Approve { by } => {
            if let Some(transition) = status.transition.as_mut() {
                status.history.push(entry(transition, Decision::Approved, by, None, policy, now));
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
        Step::Move { to, decision, requested_by, decided_by, reason } => {
            if let Some(open) = status.transition.take()
                && open.approval.is_none()
            {
                let because = Some(reason.clone());
                status.history.push(entry(&open, Decision::Withdrawn, decided_by, because, None, now));
            }
            status.history.push(HistoryEntry {
                id: fresh_id(),
                from: status.stage,
                to: *to,
                requested_by: requested_by.clone(),
                requested_at: now.into(),
                decision: *decision,
                decided_by: decided_by.clone(),
                decided_at: now.into(),
                reason: Some(reason.clone()),
                digest,
                policy: None,
            });
            status.stage = *to;
            status.settled_generation = generation;
        }
    }
    conditions::status(&after, None, now)
}

fn entry(
    transition: &Transition,
    decision: Decision,
    by: &str,
    reason: Option<String>,
    policy: Option<PolicyReference>,
    now: Timestamp,
) -> HistoryEntry {
    HistoryEntry {
        id: transition.id.clone(),
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
