//! The annotations by which people act. Each names its author, and the API server proves the name.

/// Who asks for the stage in `spec.stage`.
pub const REQUESTED_BY: &str = "understudy.dev/requested-by";
/// Approves the transition of this id.
pub const APPROVE: &str = "understudy.dev/approve";
/// Who approves.
pub const APPROVED_BY: &str = "understudy.dev/approved-by";
/// Rejects the transition of this id.
pub const REJECT: &str = "understudy.dev/reject";
/// Who rejects.
pub const REJECTED_BY: &str = "understudy.dev/rejected-by";
/// Why it is rejected.
pub const REASON: &str = "understudy.dev/reason";
/// The tester's verdict, `passed` or `failed`.
pub const ACCEPT: &str = "understudy.dev/accept";
/// Who tested.
pub const ACCEPTED_BY: &str = "understudy.dev/accepted-by";
/// What the tester saw.
pub const FEEDBACK: &str = "understudy.dev/feedback";
/// On a `ModelDeployment`: the version to go back to and any fresh suffix, `1.2.0#2026-11-21`.
pub const ROLLBACK: &str = "understudy.dev/rollback";
/// Who rolls back.
pub const ROLLBACK_BY: &str = "understudy.dev/rollback-by";
