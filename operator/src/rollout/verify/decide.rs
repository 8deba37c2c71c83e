//! Whether the facts allow main to change. Pure.
//!
//! Every pod of the next main must answer a real inference, and everything that was approved must still stand.

use kube::ResourceExt;
use understudy_contract::probe::Proof;
use understudy_crds::{
    MainReason, ModelDeployment, ModelVersion, Stage, annotations,
    condition::{self, PROVEN},
};

use super::{
    facts::{Facts, Fresh, Probe, Promotion, bytes},
    readiness::Readiness,
};
use crate::{
    reasons::Waiting,
    rollout::{deadline, plan::Candidate, rollback},
};

/// Reason and message of what a change of main waits for.
pub type Wait = (Waiting, String);

/// Judges the planned change of main. `seen` is the deployment that the plan was made for.
pub fn decide(seen: &ModelDeployment, facts: Facts<'_>) -> Readiness {
    let change = match facts {
        Facts::NoChange | Facts::MainDeleted { exists: true, .. } => return Readiness::Keep,
        Facts::MainDeleted { exists: false, deployment } => unchanged(seen, deployment),
        Facts::TakeDown { approved, version, deployment } => {
            let stands = version.is_some_and(|v| {
                v.transition() == Some(approved)
                    && v.spec.stage == approved.to
                    && v.metadata.generation == Some(approved.generation)
            });
            if stands {
                unchanged(seen, deployment)
            } else {
                let message =
                    "the request to move main out of Production was changed or withdrawn".to_owned();
                Err((Waiting::RequestChanged, message))
            }
        }
        Facts::Promotion(facts) => promotion(seen, facts),
    };
    match change {
        Ok(md) => Readiness::Change { md: Box::new(md) },
        Err((reason, message)) => Readiness::Wait { reason, message },
    }
}

fn promotion(seen: &ModelDeployment, facts: Promotion<'_>) -> Result<ModelDeployment, Wait> {
    // What callers reach is recorded. The pods were checked before the switch, and so was the policy.
    if !facts.switched {
        readable(&facts)?;
        image(&facts)?;
        pods(&facts)?;
        probes(&facts)?;
    }
    let candidate = facts.candidate;
    let name = candidate.version.name_any();
    let Some(Fresh { version: Some(version), deployment, policy_broken }) = facts.fresh else {
        return Err((Waiting::VersionGone, format!("ModelVersion {name} was deleted")));
    };
    let md = unchanged(seen, deployment)?;
    if version.metadata.uid != candidate.version.metadata.uid || !is_allowed(&md, &version, candidate) {
        return Err((
            Waiting::RequestChanged,
            format!("what was approved for {name} is not what is requested now"),
        ));
    }
    if candidate.reason == MainReason::Promoted
        && !facts.switched
        && let Some(breaking) = &facts.breaking
    {
        let message = format!("BREAKING for callers of main: {breaking}");
        return Err((Waiting::SignatureBreaking, message));
    }
    if candidate.reason == MainReason::Promoted && !facts.switched {
        proven(facts.probes.as_deref().unwrap_or_default(), &version)?;
    }
    if deadline::has_ended(&md, candidate) {
        return Err((Waiting::RequestChanged, format!("the deadline for {name} to become main is over")));
    }
    if let Some(rollback) = candidate.transition.strip_prefix("rollback:")
        && annotations::value(&md, annotations::ROLLBACK).as_deref() != Some(rollback)
    {
        return Err(deployment_changed(seen));
    }
    match policy_broken {
        None => Ok(md),
        Some(_) if facts.switched => Ok(md),
        Some(message) => {
            let message = format!("the approval policy is not in force: {message}");
            Err((Waiting::ApprovalPolicyInactive, message))
        }
    }
}

/// Whether every other version can be read. Otherwise one that is in Production could not be archived. A rollback is
/// urgent and does not wait for that.
pub fn readable(facts: &Promotion<'_>) -> Result<(), Wait> {
    match &facts.unreadable {
        Some(name) if facts.candidate.reason == MainReason::Promoted => Err((
            Waiting::VersionUnreadable,
            format!("this operator cannot read ModelVersion {name}, which may be in Production: upgrade it"),
        )),
        _ => Ok(()),
    }
}

/// Whether the image of the candidate may run. Its pods may be older than the list of registries.
pub fn image(facts: &Promotion<'_>) -> Result<(), Wait> {
    facts.image_refusal.clone().map_or(Ok(()), |message| Err((Waiting::RuntimeImageNotAllowed, message)))
}

/// Whether enough pods are ready, by the status of the Deployment and by the pods in the cache, whose addresses are
/// probed. A roll of the pod template need not be finished: a version is what its digest says, not its image or its node,
/// and a roll removes a ready pod only after another one is ready. Otherwise a server image that cannot be pulled would
/// block every rollback.
pub fn pods(facts: &Promotion<'_>) -> Result<(), Wait> {
    let (number, wanted) = (&facts.candidate.version.spec.version, facts.wanted);
    let wait = |message| Err((Waiting::PodsNotReady, message));
    let Some(reported) = facts.reported_ready else {
        return wait(format!("the pods of {number} do not exist yet"));
    };
    if reported < wanted {
        return wait(format!("{reported} of {wanted} pods of {number} are ready"));
    }
    if facts.ready_pods < usize::try_from(wanted).unwrap_or(usize::MAX) {
        let message =
            format!("{} of {wanted} pods of {number} are ready and have an address", facts.ready_pods);
        return Err((Waiting::NoAnswer, message));
    }
    Ok(())
}

/// Whether each of these pods answers as this version with this digest.
pub fn probes(facts: &Promotion<'_>) -> Result<(), Wait> {
    let spec = &facts.candidate.version.spec;
    let image = spec.runtime.as_ref().map(|runtime| runtime.image.as_str());
    let (number, digest) = (&spec.version, bytes(&spec.artifact.digest(), image));
    let failed = facts.probes.iter().flatten().find_map(|probe| match &probe.response {
        Ok(answered) if *answered == (number.clone(), digest.clone()) => None,
        Ok((other, bytes)) => Some(format!("pod {} serves {other} {bytes}, not {number} {digest}", probe.ip)),
        Err(error) => Some(error.clone()),
    });
    if let Some(message) = failed {
        return Err((Waiting::NoAnswer, message));
    }
    let probed = facts.probes.as_ref().map_or(0, Vec::len);
    if probed < facts.ready_pods {
        let message = format!("{probed} of {} ready pods of {number} were probed", facts.ready_pods);
        return Err((Waiting::NoAnswer, message));
    }
    Ok(())
}

/// Whether the model is known to answer: by the record of the version, or by one of these pods. An approval requires it, too,
/// but may be recorded before any pod has been asked.
fn proven(probes: &[Probe], version: &ModelVersion) -> Result<(), Wait> {
    let is_missing = |probe: &&Probe| matches!(probe.proof, Proof::Missing { .. });
    let is_proven =
        version.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, PROVEN));
    let has_answered = probes.iter().any(|probe| probe.proof == Proof::Call);
    match probes.iter().find(is_missing) {
        Some(probe) if !has_answered && !is_proven => {
            let message = format!(
                "pod {}: no synthetic input worked in the warm-up, and version {} has not answered a call yet: call it in Staging",
                probe.ip, version.spec.version
            );
            Err((Waiting::NotProven, message))
        }
        _ => Ok(()),
    }
}

/// Whether the approval in the version still allows the candidate to become main.
fn is_allowed(md: &ModelDeployment, fresh: &ModelVersion, candidate: &Candidate) -> bool {
    match candidate.reason {
        MainReason::RolledBack => rollback::refusal(md, fresh).is_none(),
        MainReason::Promoted => fresh.transition().is_some_and(|t| {
            t.id == candidate.transition
                && t.to == Stage::Production
                && t.approval.is_some()
                && fresh.spec.stage == t.to
                && fresh.metadata.generation == Some(t.generation)
                && fresh.spec.artifact.digest() == t.digest
                && fresh.production_approval().is_some_and(|h| h.id == t.id && h.decided_by != h.requested_by)
        }),
    }
}

/// The present deployment, if its main is the same as when the plan was made.
fn unchanged(seen: &ModelDeployment, fresh: Option<ModelDeployment>) -> Result<ModelDeployment, Wait> {
    let transition = |md: &ModelDeployment| md.main().map(|main| main.transition.clone());
    fresh
        .filter(|md| {
            md.metadata.uid == seen.metadata.uid && !md.is_collected() && transition(md) == transition(seen)
        })
        .ok_or_else(|| deployment_changed(seen))
}

fn deployment_changed(seen: &ModelDeployment) -> Wait {
    (
        Waiting::DeploymentChanged,
        format!("ModelDeployment {} was changed or deleted meanwhile", seen.name_any()),
    )
}

#[cfg(test)]
#[path = "take_down_tests.rs"]
mod take_down_tests;
#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
