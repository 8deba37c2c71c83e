//! Whether main changes in this pass.

use std::sync::Arc;

use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    reasons::Waiting,
    rollout::{
        build::Answering,
        observe::Observed,
        plan::{Next, Plan},
    },
};

/// Whether main changes in this pass, and if not, why.
#[derive(Debug, PartialEq)]
pub enum Readiness {
    /// Main stays as it is.
    Keep,
    /// Main stays, and the change waits. Reason and message say for what.
    Wait { reason: Waiting, message: String },
    /// Main changes as planned, in the status of exactly this deployment.
    Change { md: Box<ModelDeployment> },
}

impl Readiness {
    /// The version that answers after this pass, and what made it main.
    pub fn answering<'a>(&self, observed: &'a Observed, plan: &'a Plan) -> Option<Answering<'a>> {
        match (self, &plan.next) {
            (Self::Change { .. }, Next::Promote(candidate)) => Some(candidate.answering()),
            (Self::Change { .. }, Next::TakeDown { .. }) => None,
            _ => observed
                .md
                .main()
                .map(|main| Answering { version: &main.version, transition: &main.transition }),
        }
    }

    /// The version that answers after this pass, if it still exists.
    pub fn main<'a>(&'a self, plan: &'a Plan) -> Option<&'a Arc<ModelVersion>> {
        match (self, &plan.next) {
            (Self::Change { .. }, Next::Promote(candidate)) => Some(&candidate.version),
            (Self::Change { .. }, Next::TakeDown { .. }) => None,
            _ => plan.current.as_ref(),
        }
    }

    /// Whether main changes in this pass.
    pub const fn changes_main(&self) -> bool {
        matches!(self, Self::Change { .. })
    }

    /// Whether the deployment on the API server is not the one that was judged. Then nothing may be written: callers
    /// would be sent back to an earlier main.
    pub const fn is_outdated(&self) -> bool {
        matches!(self, Self::Wait { reason: Waiting::DeploymentChanged, .. })
    }

    /// Whether the next pass should come soon, since no event triggers it.
    pub const fn is_waiting(&self) -> bool {
        matches!(self, Self::Wait { .. })
    }
}
