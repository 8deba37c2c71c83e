//! The conditions of a deployment, apart from those of challenger and drift. Pure.

use jiff::Timestamp;
use understudy_crds::{
    ModelDeployment, ModelDeploymentStatus,
    condition::{
        self, APPROVAL_POLICY_ACTIVE, DEPLOYED, OBJECTS_GUARDED, READY, RECONCILING, RUNNING, STALLED,
    },
};

use super::pass::Pass;
use crate::{
    error_chain::chain,
    policy::Enforcement,
    reasons,
    rollout::{running::Running, verify::Readiness},
};

/// The state of both policies.
pub struct Policies {
    /// The approval policy.
    pub approval: Enforcement,
    /// The guard around owned objects.
    pub guard: Enforcement,
}

/// Sets the conditions about main, about the policies, and about the whole deployment.
pub fn fill_in(
    status: &mut ModelDeploymentStatus,
    base: &ModelDeployment,
    pass: &Pass<'_>,
    policies: &Policies,
    now: Timestamp,
) {
    let generation = base.metadata.generation;
    let mut conditions = std::mem::take(&mut status.conditions);
    // Before the first main, the condition had the reason `NoMain`.
    let first = status.main.is_some()
        && condition::find(&conditions, RUNNING)
            .is_none_or(|running| running.reason == reasons::Running::NoMain.as_str());
    let known =
        [APPROVAL_POLICY_ACTIVE, OBJECTS_GUARDED].map(|type_| condition::find(&conditions, type_).is_some());
    let mut set = |type_: &str, value: bool, reason: &str, message: &str| {
        condition::set(&mut conditions, type_, value, (reason, message), generation, now);
    };

    let wanted = base.spec.replicas;
    let deployed = match &status.main {
        None => (false, reasons::Deployed::NoMain, "no version is in Production yet".to_owned()),
        Some(main) if main.ready_replicas >= wanted => (
            true,
            reasons::Deployed::PodsReady,
            format!("{wanted} of {wanted} pods of {} are ready", main.version),
        ),
        Some(main) => (
            false,
            reasons::Deployed::PodsNotReady,
            format!("{} of {wanted} pods of {} are ready", main.ready_replicas, main.version),
        ),
    };
    set(DEPLOYED, deployed.0, deployed.1.as_str(), &deployed.2);
    match &pass.running {
        Running::Yes => set(
            RUNNING,
            true,
            reasons::Running::Answers.as_str(),
            "a real inference was answered through the Service",
        ),
        Running::No { reason, message, .. } => set(RUNNING, false, reason.as_str(), message),
        Running::AsBefore if first => {
            set(RUNNING, false, reasons::Running::Starting.as_str(), "main has just changed");
        }
        Running::AsBefore => {}
    }
    // Before its first check, this process keeps what an earlier process found.
    let Policies { approval, guard } = policies;
    for (type_, policy, known) in
        [(APPROVAL_POLICY_ACTIVE, approval, known[0]), (OBJECTS_GUARDED, guard, known[1])]
    {
        if policy.checked || !known {
            set(type_, policy.active, policy.reason().as_str(), &policy.message);
        }
    }

    let running = condition::find(&conditions, RUNNING)
        .map(|c| (c.status == "True", c.reason.clone(), c.message.clone()));
    let running = running.unwrap_or((
        false,
        reasons::Running::Starting.as_str().to_owned(),
        "main has just changed".to_owned(),
    ));
    let failure = pass.workloads.failure().or(pass.routed.failure());
    let ready = match failure {
        Some(error) => (false, error.reason().to_owned(), chain(error)),
        None if !deployed.0 => (false, deployed.1.as_str().to_owned(), deployed.2),
        None => running,
    };
    condition::set(&mut conditions, READY, ready.0, (&ready.1, &ready.2), generation, now);
    match (failure, pass.readiness) {
        (Some(error), _) => {
            condition::set(&mut conditions, STALLED, true, (error.reason(), &ready.2), generation, now);
        }
        (None, _) => condition::clear(&mut conditions, STALLED),
    }
    match pass.readiness {
        Readiness::Wait { reason, message } if failure.is_none() => {
            condition::set(&mut conditions, RECONCILING, true, (reason.as_str(), message), generation, now);
        }
        _ => condition::clear(&mut conditions, RECONCILING),
    }
    status.conditions = conditions;
}
