//! How many people must approve a request, who has, and what they say about it. Pure.

use understudy_crds::{Grant, ModelVersion, Transition, annotations};

use super::observe::Observed;

/// The user names of service accounts begin with this. The approval policy never maps them to another name.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// Number of people who must approve this request. A person who can act as a service account must not be enough for a
/// request of that account. The number of an open request does not fall.
pub fn needed(o: &Observed, requested_by: &str, open: Option<&Transition>) -> i32 {
    let robot = i32::from(requested_by.starts_with(SERVICE_ACCOUNT));
    (o.rules.approvers + robot).max(open.map_or(1, |open| open.approvers))
}

/// The approver whom the annotations name and whose approval is not recorded yet.
pub fn newest(version: &ModelVersion, open: &Transition) -> Option<String> {
    annotations::value(version, annotations::APPROVE).filter(|id| *id == open.id)?;
    let by = annotations::value(version, annotations::APPROVED_BY)?;
    (!open.approvals.iter().any(|grant| grant.by == by)).then_some(by)
}

/// How far the approvals are: `1 of 2`.
pub fn progress(approvals: &[Grant], needed: i32) -> String {
    format!("{} of {needed}", approvals.len())
}

/// The comment of the act that is recorded next.
pub fn comment(version: &ModelVersion) -> Option<String> {
    annotations::comment(version, version.status.as_ref().and_then(|status| status.last_comment.as_ref()))
}

#[cfg(test)]
#[path = "approvers_tests.rs"]
mod tests;
