//! The approval as a state machine: a chain of small rules, of which the first that applies decides. Pure.

use jiff::Timestamp;
use kube::ResourceExt;
use rand::RngExt as _;
use understudy_crds::{
    Acceptance, Decision, HISTORY_LIMIT, HistoryEntry, ModelVersion, Stage, Transition, Verdict, annotations,
    limits,
};

pub use super::step::{Hold, NextStep, OPERATOR, Step};
use super::{
    approvers,
    main_rules::{became_main, retired, superseded, timed_out},
    observe::Observed,
    requirements,
    step::{act, moved},
};
use crate::reasons;

/// Entries of the history that are reserved for steps after the last request of a version.
const HISTORY_RESERVE: usize = 4;

/// A rule. `None`: it does not apply.
type Rule = fn(&Observed, Timestamp) -> Option<NextStep>;

/// All rules, in the order of their priority.
const RULES: [Rule; 11] = [
    retired,
    duplicate,
    became_main,
    superseded,
    withdrawn,
    timed_out,
    // A verdict counts before a decision that was written beside it.
    accepted,
    rejected,
    expired,
    approved,
    requested,
];

/// What to do with a version now.
pub fn decide(observed: &Observed, now: Timestamp) -> NextStep {
    if observed.deployment_unreadable {
        // It exists: nothing of it ends.
        let name = &observed.version.spec.deployment;
        let message = format!("this operator cannot read ModelDeployment {name}: upgrade the operator");
        return NextStep::Hold(Hold::new(reasons::Hold::DeploymentUnreadable, message));
    }
    RULES.iter().find_map(|rule| rule(observed, now)).unwrap_or(NextStep::Rest)
}

/// Waits if the name in the annotation `key` is too long to be recorded: a part of a name could be another person.
fn name_too_long(version: &ModelVersion, key: &str) -> Option<NextStep> {
    let count = version.annotations().get(key)?.chars().count();
    (count > limits::PERSON).then(|| {
        let message = format!("the name in {key} has {count} characters, more than {}", limits::PERSON);
        NextStep::Hold(Hold::new(reasons::Hold::NameTooLong, message))
    })
}

/// Of two versions with the same number, only the older one is served.
fn duplicate(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let other = o.duplicate_of.as_ref().filter(|_| !o.version.stage().is_served())?;
    let message = format!(
        "ModelVersion {other} already has the version {} of {}: publish with another version number",
        o.version.spec.version, o.version.spec.deployment
    );
    Some(NextStep::Hold(Hold::new(reasons::Hold::DuplicateVersion, message)))
}

/// The request was withdrawn or replaced by another one before it had an effect.
fn withdrawn(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = o.version.transition()?;
    let stands =
        o.version.spec.stage == transition.to && o.version.metadata.generation == Some(transition.generation);
    if stands {
        return None;
    }
    let by = annotations::value(&o.version, annotations::REQUESTED_BY)
        .unwrap_or_else(|| transition.requested_by.clone());
    // The comment of another request is not about the end of this one.
    let reason = if o.version.spec.stage == o.version.stage() {
        approvers::comment(&o.version)
    } else {
        Some(format!("{} is requested instead", o.version.spec.stage))
    };
    act(Step::Close { decision: Decision::Withdrawn, by, reason })
}

fn undecided(o: &Observed) -> Option<&Transition> {
    o.version.transition().filter(|t| t.approval.is_none())
}

fn rejected(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = undecided(o)?;
    annotations::value(&o.version, annotations::REJECT).filter(|id| *id == transition.id)?;
    let by = annotations::value(&o.version, annotations::REJECTED_BY)?;
    act(Step::Close { decision: Decision::Rejected, by, reason: approvers::comment(&o.version) })
}

fn expired(o: &Observed, now: Timestamp) -> Option<NextStep> {
    let transition = undecided(o)?;
    let at = transition.expires_at.as_ref().filter(|at| at.0 <= now)?;
    let reason = format!("nobody decided until {}", at.0);
    act(Step::Close { decision: Decision::Expired, by: OPERATOR.to_owned(), reason: Some(reason) })
}

/// One more person approved the request. The rules of the approval policy are checked here again.
fn approved(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = undecided(o)?;
    let mut unmet = if transition.to == Stage::Production { requirements::unmet(o) } else { vec![] };
    unmet.extend(requirements::image(o).filter(|_| transition.to.is_served()));
    let approver = approvers::newest(&o.version, transition);
    // Requirements hold back the last approval only: the others change nothing yet.
    let needed = approvers::needed(o, &transition.requested_by, Some(transition));
    let given = i32::try_from(transition.approvals.len()).unwrap_or(i32::MAX);
    let waits = approver.is_none() || given.saturating_add(1) >= needed;
    if let Some((reason, _)) = unmet.first().filter(|_| waits) {
        let message = unmet.iter().map(|(_, m)| m.as_str()).collect::<Vec<_>>().join("; ");
        let message = match &approver {
            Some(by) => format!("approved by {by}, but {message}"),
            None => message,
        };
        return Some(NextStep::Hold(Hold { approved: approver.is_some(), ..Hold::new(*reason, message) }));
    }
    let by = approver?;
    if let Some(hold) = name_too_long(&o.version, annotations::APPROVED_BY) {
        return Some(hold);
    }
    if by == transition.requested_by {
        return Some(NextStep::Hold(Hold::new(
            reasons::Hold::FourEyes,
            format!("{by} requested this transition and cannot approve it"),
        )));
    }
    if transition.digest != o.version.spec.artifact.digest()
        || o.version.history().iter().any(|h| h.id == transition.id)
    {
        let message = "the approval is for another digest, or its id was used before: withdraw the request, then request again";
        return Some(NextStep::Hold(Hold::new(reasons::Hold::RequestChanged, message)));
    }
    act(Step::Approve { by, comment: approvers::comment(&o.version) })
}

/// A new request.
fn requested(o: &Observed, now: Timestamp) -> Option<NextStep> {
    if o.version.transition().is_some() || !o.version.is_requested() {
        return None;
    }
    let (from, to) = (o.version.stage(), o.version.spec.stage);
    if !from.may_become(to, o.version.was_in_production()) {
        let message = format!("no step leads from {from} to {to}: set spec.stage back to {from}");
        return Some(NextStep::Hold(Hold::new(reasons::Hold::NoSuchStep, message)));
    }
    let Some(requested_by) = annotations::value(&o.version, annotations::REQUESTED_BY) else {
        let message = "the annotation understudy.dev/requested-by is missing: request again";
        return Some(NextStep::Hold(Hold::new(reasons::Hold::RequesterUnknown, message)));
    };
    if let Some(hold) = name_too_long(&o.version, annotations::REQUESTED_BY) {
        return Some(hold);
    }
    if o.version.history().len() + HISTORY_RESERVE > HISTORY_LIMIT {
        let message = "the history is full: publish the model as a new version";
        return Some(NextStep::Hold(Hold::new(reasons::Hold::HistoryFull, message)));
    }
    if !from.needs_approval(to) {
        let reason = format!("{from} -> {to} needs no approval");
        return act(moved(to, Decision::Retired, &requested_by, &requested_by, reason));
    }
    let approvers = approvers::needed(o, &requested_by, None);
    act(Step::Open(Box::new(Transition {
        id: fresh_id(),
        from,
        to,
        requested_by,
        requested_at: now.into(),
        generation: o.version.metadata.generation.unwrap_or_default(),
        digest: o.version.spec.artifact.digest(),
        expires_at: now.checked_add(std::time::Duration::from(o.rules.expires_after)).ok().map(Into::into),
        policy_fingerprint: None,
        comment: reopened(o).map_or_else(|| approvers::comment(&o.version), |entry| entry.comment.clone()),
        breaking: requirements::breaking(o, to),
        approvers,
        approvals: vec![],
        approved: Some(approvers::progress(&[], approvers)),
        approval: None,
    })))
}

/// The record of the same request, if this operator has withdrawn it to open it again: see [`under`].
fn reopened(o: &Observed) -> Option<&HistoryEntry> {
    o.version.history().last().filter(|last| {
        last.decision == Decision::Withdrawn && last.decided_by == OPERATOR && last.to == o.version.spec.stage
    })
}

/// The step under the approval policy with this fingerprint. A request keeps the fingerprint. An approval under another
/// fingerprint may have been written while no policy checked its author: it withdraws the request, which is then opened
/// again.
pub fn under(step: Step, pending: Option<&Transition>, fingerprint: Option<&str>) -> Step {
    let fingerprint = fingerprint.map(str::to_owned);
    match step {
        Step::Open(transition) => {
            Step::Open(Box::new(Transition { policy_fingerprint: fingerprint, ..*transition }))
        }
        Step::Approve { .. } if pending.is_some_and(|t| t.policy_fingerprint != fingerprint) => Step::Close {
            decision: Decision::Withdrawn,
            by: OPERATOR.to_owned(),
            reason: Some(
                "the approval policy changed after the request was opened: it needs a new approval"
                    .to_owned(),
            ),
        },
        other => other,
    }
}

/// A tester gave a new verdict on a version in Staging.
fn accepted(o: &Observed, now: Timestamp) -> Option<NextStep> {
    if o.version.stage() != Stage::Staging {
        return None;
    }
    let verdict = match annotations::value(&o.version, annotations::ACCEPT)?.as_str() {
        "passed" => Verdict::Passed,
        "failed" => Verdict::Failed,
        _ => return None,
    };
    let by = annotations::value(&o.version, annotations::ACCEPTED_BY)?;
    let feedback = annotations::value(&o.version, annotations::FEEDBACK);
    let known = o.version.status.as_ref().and_then(|s| s.acceptance.as_ref());
    if known.is_some_and(|k| (k.verdict, &k.by, &k.feedback) == (verdict, &by, &feedback)) {
        return None;
    }
    act(Step::Accept(Acceptance { verdict, by, at: now.into(), feedback }))
}

/// Six random bytes in hexadecimal: short enough to type, and practically unique.
pub fn fresh_id() -> String {
    format!("{:012x}", rand::rng().random_range(0..1_u64 << 48))
}

#[cfg(test)]
#[path = "ended_tests.rs"]
mod ended_tests;
#[cfg(test)]
#[path = "requirements_tests.rs"]
mod requirements_tests;
#[cfg(test)]
#[path = "decide_tests.rs"]
pub(super) mod tests;
