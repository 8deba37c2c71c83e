//! What the state machine decides about a version. Pure.

use understudy_crds::{Acceptance, Decision, Stage, Transition};

use crate::reasons;

/// What the state machine returns for a version.
#[derive(Clone, Debug, PartialEq)]
pub enum NextStep {
    /// Write this.
    Act(Step),
    /// A request cannot continue, for this reason.
    Hold(Hold),
    /// Nothing to decide.
    Rest,
}

/// A change of the status of a version.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A request is opened.
    Open(Box<Transition>),
    /// The open request ends without effect.
    Close { decision: Decision, by: String, reason: Option<String> },
    /// One more person approves the open request.
    Approve { by: String, comment: Option<String> },
    /// The roll-out of the approved request is complete.
    Complete { stage: Stage },
    /// The stage changes without an approval of its own: main changed, the deployment was deleted, or the step needs
    /// none.
    Move { to: Stage, decision: Decision, requested_by: String, decided_by: String, reason: String },
    /// The verdict of a tester is recorded.
    Accept(Acceptance),
}

impl Step {
    /// Whether the step is, or undoes, what a person did. Then the comment in the annotation belongs to no later act.
    pub fn settles_comment(&self) -> bool {
        match self {
            Self::Open(_) | Self::Approve { .. } => true,
            Self::Close { decision, .. } => matches!(decision, Decision::Rejected | Decision::Withdrawn),
            Self::Move { requested_by, .. } => requested_by != OPERATOR,
            Self::Complete { .. } | Self::Accept(_) => false,
        }
    }

    /// Whether the step relies on names in annotations, which only the approval policy protects.
    pub const fn needs_policy(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Approve { .. })
    }
}

/// Why a request cannot continue.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// The reason in conditions.
    pub reason: reasons::Hold,
    /// The message, for people.
    pub message: String,
    /// Whether the request has an approval that waits.
    pub approved: bool,
}

impl Hold {
    /// A hold for this reason, without an approval that waits.
    pub fn new(reason: reasons::Hold, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), approved: false }
    }

    /// The approval policy is not in force.
    pub fn policy_inactive(message: &str, approved: bool) -> Self {
        let message = format!("waiting until the approval policy is in force: {message}");
        Self { approved, ..Self::new(reasons::Hold::ApprovalPolicyInactive, message) }
    }
}

/// This step, as the result of a rule.
#[expect(clippy::unnecessary_wraps, reason = "the return type of a rule")]
pub fn act(step: Step) -> Option<NextStep> {
    Some(NextStep::Act(step))
}

/// Stands for the person in decisions that no person made.
pub const OPERATOR: &str = "understudy-operator";

/// A step to another stage without an approval of its own.
pub fn moved(to: Stage, decision: Decision, requested_by: &str, decided_by: &str, reason: String) -> Step {
    Step::Move {
        to,
        decision,
        requested_by: requested_by.to_owned(),
        decided_by: decided_by.to_owned(),
        reason,
    }
}
