//! The conditions of a version, and the events about their changes. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{ResourceExt, runtime::events::EventType};
use understudy_crds::{
    Decision, Failure, ModelVersionStatus, Stage, Transition, breaking_note,
    condition::{self, APPROVABLE, PROVEN, READY, RECONCILING, SERVING, STALLED},
    names,
};

use super::{approvers, decide::Hold, observe::Observed, proof, requirements};
use crate::reasons;

/// One condition without its type and time.
struct Finding {
    status: bool,
    reason: String,
    message: String,
}

impl Finding {
    fn new(status: bool, reason: &str, message: impl Into<String>) -> Self {
        Self { status, reason: reason.to_owned(), message: message.into() }
    }
}

/// The status of the version with up-to-date conditions, last failure and URL.
pub fn status(observed: &Observed, hold: Option<&Hold>, now: Timestamp) -> ModelVersionStatus {
    let generation = observed.version.metadata.generation;
    let mut status = observed.version.status.clone().unwrap_or_default();
    status.observed_generation = generation;
    // A rollback can make it main of a deployment that was created again, before its stage was ended. What an operator has
    // decided that did not record the deployment belongs to the present one.
    let is_unbound = status.deployment_uid.is_none()
        && (status.stage.is_served() || status.transition.is_some() || !status.history.is_empty());
    if let Some(md) = &observed.deployment
        && (is_unbound || md.is_main(&observed.version))
    {
        status.deployment_uid.clone_from(&md.metadata.uid);
    }
    // It is compared as it is stored.
    if let Some(failure) = observed.pods.failure.clone().map(Failure::bounded) {
        let known = status
            .last_failure
            .as_ref()
            .is_some_and(|k| (&k.reason, &k.message) == (&failure.reason, &failure.message));
        if !known {
            status.last_failure = Some(failure);
        }
    }
    let runs = status.stage.is_served() || observed.pods.total > 0;
    status.url = runs.then(|| {
        let service =
            names::version_object(&observed.version.spec.deployment, &observed.version.spec.version);
        names::url(&service, &observed.version.namespace().unwrap_or_default())
    });

    if let Some(open) = status.transition.as_mut().filter(|open| open.approval.is_none()) {
        open.approvers = approvers::needed(observed, &open.requested_by, Some(open));
        open.approved = Some(approvers::progress(&open.approvals, open.approvers));
        open.breaking = requirements::breaking(observed, open.to);
    }
    let serving = serving(observed, &status);
    let (ready, progress) = ready(observed, &status, &serving, hold);
    let approvable = approvable(&status, hold);
    let conditions = &mut status.conditions;
    let mut put = |type_: &str, finding: Option<&Finding>| match finding {
        Some(finding) => {
            condition::set(
                conditions,
                type_,
                finding.status,
                (&finding.reason, &finding.message),
                generation,
                now,
            );
        }
        None => condition::clear(conditions, type_),
    };
    put(SERVING, Some(&serving));
    let while_true = |at: Progress| {
        ready.as_ref().filter(|_| progress == at).map(|ready| Finding { status: true, ..copy(ready) })
    };
    put(READY, ready.as_ref());
    put(RECONCILING, while_true(Progress::Reconciling).as_ref());
    put(STALLED, while_true(Progress::Stalled).as_ref());
    put(APPROVABLE, approvable.as_ref());
    match proof::change(&observed.version, observed.proof.as_ref()) {
        proof::Change::Keep => {}
        proof::Change::Clear => put(PROVEN, None),
        proof::Change::Set(status, reason, message) => {
            put(PROVEN, Some(&Finding::new(status, reason.as_str(), message)));
        }
    }
    status.bounded()
}

fn copy(finding: &Finding) -> Finding {
    Finding::new(finding.status, &finding.reason, finding.message.clone())
}

fn serving(observed: &Observed, status: &ModelVersionStatus) -> Finding {
    let pods = &observed.pods;
    match (pods.ready, pods.total, &pods.failure) {
        (1.., total, _) => Finding::new(
            true,
            reasons::Serving::Serving.as_str(),
            format!("{} of {total} pods answer", pods.ready),
        ),
        (0, _, Some(failure)) => Finding::new(false, &failure.reason, failure.message.clone()),
        (0, 0, None) if !status.stage.is_served() => Finding::new(
            false,
            reasons::Serving::NotServed.as_str(),
            format!("a version in stage {} has no pods", status.stage),
        ),
        (0, _, None) => Finding::new(false, reasons::Serving::Starting.as_str(), "its pods are starting"),
    }
}

fn approvable(status: &ModelVersionStatus, hold: Option<&Hold>) -> Option<Finding> {
    let transition = status.transition.as_ref().filter(|t| t.approval.is_none())?;
    Some(match hold {
        Some(hold) => Finding::new(false, hold.reason.as_str(), hold.message.clone()),
        None => Finding::new(
            true,
            reasons::Version::WaitingForApproval.as_str(),
            format!("approve with understudy.dev/approve={}{}", transition.id, so_far(transition)),
        ),
    })
}

/// What is known about the approvals, after a sentence: who has approved, and what the version breaks.
fn so_far(transition: &Transition) -> String {
    let approved = (transition.approvers > 1).then(|| {
        let by: Vec<_> = transition.approvals.iter().map(|grant| grant.by.as_str()).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
        let progress = approvers::progress(&transition.approvals, transition.approvers);
        format!("; {progress} people have approved{by}")
    });
    approved.unwrap_or_default() + &breaking_note(transition.breaking.as_ref())
}

#[derive(PartialEq)]
enum Progress {
    Done,
    Reconciling,
    Stalled,
}

/// `Ready`, and which of `Reconciling` and `Stalled` goes with it. A version that needs no pods, and for which nothing
/// is requested, has no `Ready`: `False` would make kstatus wait for a version that is as requested, and `True` would
/// suggest that it serves.
fn ready(
    observed: &Observed,
    status: &ModelVersionStatus,
    serving: &Finding,
    hold: Option<&Hold>,
) -> (Option<Finding>, Progress) {
    if let Some(transition) = &status.transition {
        return (Some(in_transition(transition, serving, hold)), Progress::Reconciling);
    }
    if let Some(hold) = hold {
        return (Some(Finding::new(false, hold.reason.as_str(), hold.message.clone())), Progress::Stalled);
    }
    // A refused request stays refused until a person requests the stage again.
    let refused = status
        .history
        .last()
        .filter(|last| matches!(last.decision, Decision::Rejected | Decision::Expired | Decision::TimedOut))
        .filter(|_| status.stage != observed.version.spec.stage);
    if let Some(last) = refused {
        let because = last.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
        let (from, to, by) = (last.from, last.to, &last.decided_by);
        let message = format!("{from} -> {to} {} by {by}{because}", last.decision.in_words());
        return (Some(Finding::new(false, last.decision.as_str(), message)), Progress::Stalled);
    }
    if !status.stage.is_served() {
        return (None, Progress::Done);
    }
    let progress = match (serving.status, &observed.pods.failure) {
        (true, _) => Progress::Done,
        (false, Some(_)) => Progress::Stalled,
        (false, None) => Progress::Reconciling,
    };
    (Some(copy(serving)), progress)
}

/// `Ready` while a request is open or takes effect.
fn in_transition(transition: &Transition, serving: &Finding, hold: Option<&Hold>) -> Finding {
    let step = format!("{} -> {}", transition.from, transition.to);
    match (&transition.approval, hold) {
        (Some(grant), _) if !serving.status && transition.to == Stage::Production => {
            let message =
                format!("{step} is approved by {} and waits for its pods: {}", grant.by, serving.message);
            Finding::new(false, &serving.reason, message)
        }
        (Some(grant), _) => {
            let message = format!("{step} is approved by {} and rolls out", grant.by);
            Finding::new(false, reasons::Version::RollingOut.as_str(), message)
        }
        (None, Some(hold)) => Finding::new(false, hold.reason.as_str(), format!("{step}: {}", hold.message)),
        (None, None) => {
            let message = format!(
                "{step}, requested by {}, waits for {} (id {}){}",
                transition.requested_by,
                if transition.approvers > 1 { "its approvers" } else { "a second person" },
                transition.id,
                so_far(transition)
            );
            Finding::new(false, reasons::Version::WaitingForApproval.as_str(), message)
        }
    }
}

/// Reasons of `Serving=False` that have no event.
const EXPECTED: [reasons::Serving; 2] = [reasons::Serving::Starting, reasons::Serving::NotServed];

/// Events about conditions that differ between two statuses. Decisions have events of their own.
pub fn events(
    before: &ModelVersionStatus,
    after: Option<&ModelVersionStatus>,
) -> Vec<(EventType, String, String)> {
    let Some(after) = after else { return vec![] };
    [SERVING, APPROVABLE, STALLED, PROVEN]
        .into_iter()
        .filter_map(|type_| {
            let new = condition::find(&after.conditions, type_)?;
            let old = condition::find(&before.conditions, type_);
            // An approval of a blocked request changes only the message, and the approver must see an event.
            let message = |c: &Condition| (type_ == APPROVABLE).then(|| c.message.clone());
            let same = |o: &Condition| {
                (&o.status, &o.reason, message(o)) == (&new.status, &new.reason, message(new))
            };
            if old.is_some_and(same) {
                return None;
            }
            let severity = match (type_, new.status.as_str()) {
                (SERVING | PROVEN, "True") => EventType::Normal,
                (SERVING, _) if EXPECTED.iter().any(|reason| new.reason == reason.as_str()) => return None,
                (APPROVABLE, "True") => return None,
                _ => EventType::Warning,
            };
            Some((severity, new.reason.clone(), new.message.clone()))
        })
        .collect()
}
