//! The result of a pass, from which the status is made.

use understudy_crds::ModelVersion;

use crate::{
    model_server::summary::Collected,
    rollout::{
        apply::Workloads, challenger::Challenger, deadline::Deadline, error::Error, plan::Plan,
        running::Running, verify::Readiness,
    },
};

/// The result of a pass.
pub struct Pass<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The workloads that were applied before the change of main, and the failures.
    pub workloads: &'a Workloads,
    /// Whether main changes.
    pub readiness: &'a Readiness,
    /// The time that the change of main has, if it waits.
    pub deadline: Option<&'a Deadline>,
    /// The error if the routing could not be changed.
    pub routed: Option<&'a Error>,
    /// Whether callers of the stable Service get an answer.
    pub running: Running,
    /// What is known about main's calls.
    pub calls: Calls<'a>,
}

/// What is known about main's calls: the challenger, and what pods have counted.
pub struct Calls<'a> {
    /// The version that answers after this pass.
    pub main: Option<&'a ModelVersion>,
    /// The challenger, and whether it gets copies.
    pub challenger: &'a Challenger,
    /// The summaries of main's pods, if they were collected in this pass.
    pub collected: Option<Collected>,
}
