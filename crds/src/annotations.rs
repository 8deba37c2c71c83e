//! The annotations by which people act. Each act has one with the name of its author, and the approval policy admits
//! only the writer's own name.

use kube::Resource;

use crate::{limits, text};

/// On a `ModelVersion`: the person who requests the stage in `spec.stage`.
pub const REQUESTED_BY: &str = "understudy.dev/requested-by";
/// On a `ModelVersion`: approves the transition with this id.
pub const APPROVE: &str = "understudy.dev/approve";
/// The person who approves.
pub const APPROVED_BY: &str = "understudy.dev/approved-by";
/// On a `ModelVersion`: rejects the transition with this id.
pub const REJECT: &str = "understudy.dev/reject";
/// The person who rejects.
pub const REJECTED_BY: &str = "understudy.dev/rejected-by";
/// Why a person requests, approves, rejects or rolls back, for people. It is a comment on the act whose write changes it.
pub const REASON: &str = "understudy.dev/reason";
/// On a `ModelVersion` in Staging: the verdict of a tester, `passed` or `failed`.
pub const ACCEPT: &str = "understudy.dev/accept";
/// The person who tested.
pub const ACCEPTED_BY: &str = "understudy.dev/accepted-by";
/// What the tester observed, for people.
pub const FEEDBACK: &str = "understudy.dev/feedback";
/// On a `ModelDeployment`: rolls back to this version. A suffix makes each request a new one: `1.2.0#2026-11-21`.
pub const ROLLBACK: &str = "understudy.dev/rollback";
/// The person who rolls back.
pub const ROLLBACK_BY: &str = "understudy.dev/rollback-by";

/// The value of an annotation, cut to what a status can hold. `None` if it is absent or empty. It is compared with the
/// status, too: compared whole, it would differ after each write.
#[must_use]
pub fn value(object: &impl Resource, key: &str) -> Option<String> {
    let most = match key {
        REASON => limits::REASON,
        FEEDBACK => limits::FEEDBACK,
        ROLLBACK => limits::ROLLBACK,
        _ => limits::PERSON,
    };
    let value = object.meta().annotations.as_ref()?.get(key)?;
    (!value.is_empty()).then(|| text::clamp(value, most))
}

/// The comment of the act that is recorded next: the annotation [`REASON`], unless the newest recorded act left it there.
/// `last` is the `lastComment` of the object's status.
#[must_use]
pub fn comment(object: &impl Resource, last: Option<&String>) -> Option<String> {
    value(object, REASON).filter(|comment| Some(comment) != last)
}
