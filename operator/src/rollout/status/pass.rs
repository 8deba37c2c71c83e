//! The result of a pass, from which the status is made.

use understudy_crds::ModelVersion;

use crate::{
    model_server::summary::Collected,
    rollout::{
        apply::Workloads,
        challenger::Challenger,
        deadline::Deadline,
        plan::Plan,
        routed::{Routed, Switched},
        running::Running,
        verify::Readiness,
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
    /// What became of the routing.
    pub routed: &'a Routed,
    /// Whether callers of the stable Service get an answer.
    pub running: Running,
    /// What is known about main's calls.
    pub calls: Calls<'a>,
}

impl Pass<'_> {
    /// That callers were switched to another main, if they were. A version is not recorded as main before that.
    pub fn new_main(&self) -> Option<&Switched> {
        self.routed.service.as_ref().ok().filter(|_| self.readiness.changes_main())
    }
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
