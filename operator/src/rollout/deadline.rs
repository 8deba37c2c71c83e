//! How long a change of main may take: `spec.rollout.deadline`. Pure.
//!
//! A promotion ends in two steps. First this controller records that the deadline is over, and from then on does not
//! promote the version. Then the controller of versions closes the request. So no request is closed while it takes effect.

use jiff::Timestamp;
use understudy_crds::{MainReason, ModelDeployment, RollbackResult, Rollout};

use crate::reasons::Waiting;

use super::{
    observe::Observed,
    plan::{Candidate, Next},
    verify::Readiness,
};

/// Most characters of the failure of a pod in the message about a deadline that is over.
const FAILURE: usize = 500;

/// The time that the planned change of main has.
#[derive(Clone, Debug, PartialEq)]
pub struct Deadline {
    /// When the change began.
    pub since: Timestamp,
    /// Why the change ends without effect, if its time is over.
    pub over: Option<String>,
}

/// The deadline of the change that waits. `None` if no version waits to become main. Time before `leading`, when this
/// process became leader, does not count: nobody may have worked on the change.
pub fn judge(
    observed: &Observed,
    next: &Next,
    readiness: &Readiness,
    leading: Timestamp,
    now: Timestamp,
) -> Option<Deadline> {
    let (Next::Promote(candidate), Readiness::Wait { reason, message }) = (next, readiness) else {
        return None;
    };
    let since = began(&observed.md, candidate, now);
    let limit = observed.md.spec.rollout.deadline;
    let had = now.duration_since(since.max(leading));
    let is_over = std::time::Duration::try_from(had).is_ok_and(|had| had >= limit.into());
    // Nothing about the version is wrong: it goes on with another operator.
    let counts = *reason != Waiting::VersionUnreadable;
    let over = (is_over && counts).then(|| {
        let number = &candidate.version.spec.version;
        let failure = observed.pods_of(number).failure.as_ref();
        let why = failure.map(|f| format!("; {}: {}", f.reason, f.message)).unwrap_or_default();
        let why: String = why.chars().take(FAILURE).collect();
        format!("{number} did not become main within {limit}: {message}{why}")
    });
    Some(Deadline { since, over })
}

/// When the change began: a promotion when the version was the next one, a rollback when it was requested.
fn began(md: &ModelDeployment, candidate: &Candidate, now: Timestamp) -> Timestamp {
    match candidate.reason {
        MainReason::RolledBack => candidate.approved_at,
        MainReason::Promoted => recorded(md)
            .filter(|rollout| rollout.transition == candidate.transition)
            .and_then(|rollout| rollout.since.as_ref())
            .map_or(now, |since| since.0),
    }
}

fn recorded(md: &ModelDeployment) -> Option<&Rollout> {
    md.status.as_ref()?.rollout.as_ref()
}

/// Whether this promotion is over by the record of the deployment, or this rollback was answered.
pub fn has_ended(md: &ModelDeployment, candidate: &Candidate) -> bool {
    match candidate.reason {
        MainReason::Promoted => {
            recorded(md).is_some_and(|r| r.deadline_exceeded && r.transition == candidate.transition)
        }
        MainReason::RolledBack => {
            let rollback = md.status.as_ref().and_then(|status| status.rollback.as_ref());
            rollback.is_some_and(|r| {
                candidate.transition.strip_prefix("rollback:") == Some(&r.request)
                    && r.result != RollbackResult::Pending
            })
        }
    }
}

#[cfg(test)]
#[path = "deadline_tests.rs"]
mod tests;
