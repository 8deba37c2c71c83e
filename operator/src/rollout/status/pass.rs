//! What a pass has found and done.

use understudy_crds::ModelVersion;

use crate::{
    model_server::summary::Collected,
    rollout::{
        apply::Workloads, challenger::Challenger, error::Error, plan::Plan, running::Running,
        verify::Readiness,
    },
};

/// What a pass has found and done.
pub struct Pass<'a> {
    /// What was planned.
    pub plan: &'a Plan,
    /// What was applied before the change of main, and what could not be.
    pub workloads: &'a Workloads,
    /// Whether main changes.
    pub readiness: &'a Readiness,
    /// Why routing could not be changed, if it could not.
    pub routed: Option<&'a Error>,
    /// Whether callers of the stable Service get an answer.
    pub running: Running,
    /// What is known about main's calls.
    pub calls: Calls<'a>,
}

/// What is known about main's calls: who gets copies of them, and what pods have counted.
pub struct Calls<'a> {
    /// The version that answers after this pass.
    pub main: Option<&'a ModelVersion>,
    /// Whether the named challenger gets copies.
    pub challenger: &'a Challenger,
    /// What main's pods have counted, if it was collected in this pass.
    pub collected: Option<Collected>,
}
