//! Which version gets copies of main's calls, and why the named version does not. Pure.
//!
//! Pods do not get the name of a version before it is accepted here. Copies of calls are data: only a model that a
//! second person approved for Staging may see them.

use std::sync::Arc;

use kube::ResourceExt;
use understudy_crds::{
    ModelVersion, Stage,
    condition::{self, SERVING},
    misfit,
};

use super::observe::Observed;
use crate::reasons::Challenger as Reason;

/// The result for the challenger that a deployment names.
#[derive(Clone, Debug)]
pub enum Challenger {
    /// The deployment names no challenger.
    NotNamed,
    /// It gets no calls until a person changes something.
    Refused(Refusal),
    /// It may be challenger. It gets no calls before its pods answer.
    Awaited(Arc<ModelVersion>, Refusal),
    /// It gets copies of calls.
    Accepted(Arc<ModelVersion>),
}

/// Why a version gets no copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason in the condition.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Refusal {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason: reason.as_str(), message: message.into() }
    }
}

impl Challenger {
    /// The version that gets copies.
    pub fn accepted(&self) -> Option<&Arc<ModelVersion>> {
        match self {
            Self::Accepted(version) => Some(version),
            _ => None,
        }
    }

    /// The version that runs as many pods as a challenger.
    pub fn runs(&self) -> Option<&Arc<ModelVersion>> {
        match self {
            Self::Accepted(version) | Self::Awaited(version, _) => Some(version),
            _ => None,
        }
    }

    /// Refused, because an object that it needs could not be written.
    pub fn refused_by(reason: &'static str, message: String) -> Self {
        Self::Refused(Refusal { reason, message })
    }
}

/// Judges the challenger that the deployment names, next to the version that is `main`.
pub fn judge(observed: &Observed, main: Option<&Arc<ModelVersion>>) -> Challenger {
    let Some(named) = &observed.md.spec.challenger else { return Challenger::NotNamed };
    match allowed(observed, &named.version, main).and_then(|(version, main)| fits(version, main)) {
        Err(refusal) => Challenger::Refused(refusal),
        Ok((version, Some(refusal))) => Challenger::Awaited(Arc::clone(version), refusal),
        Ok((version, None)) if answers(observed, version) => Challenger::Accepted(Arc::clone(version)),
        Ok((version, None)) => {
            let refusal = Refusal::new(
                Reason::PodsNotReady,
                format!("no pod of {} is ready{}", named.version, why(version)),
            );
            Challenger::Awaited(Arc::clone(version), refusal)
        }
    }
}

/// The named version and main, if the rules allow this challenger for this main.
fn allowed<'a>(
    observed: &'a Observed,
    number: &str,
    main: Option<&'a Arc<ModelVersion>>,
) -> Result<(&'a Arc<ModelVersion>, &'a Arc<ModelVersion>), Refusal> {
    let refuse = |reason, message: String| Err(Refusal::new(reason, message));
    // Versions of other deployments and namespaces are not in this list.
    let Some(version) = observed.versions.iter().find(|v| v.spec.version == number) else {
        if let Some(unreadable) = observed.unreadable(number) {
            let name = unreadable.name();
            return refuse(
                Reason::VersionUnreadable,
                format!("this operator cannot read ModelVersion {name}: upgrade the operator"),
            );
        }
        let (md, namespace) = (observed.md.name_any(), observed.namespace());
        return refuse(
            Reason::NoSuchVersion,
            format!(
                "there is no version {number} of {md} in namespace {namespace}: publish it, or name another one"
            ),
        );
    };
    if main.is_some_and(|main| main.name_any() == version.name_any()) {
        return refuse(
            Reason::IsMain,
            format!("{number} is main itself: name another version, or remove spec.challenger"),
        );
    }
    match version.stage() {
        Stage::Staging => {}
        Stage::Archived => {
            return refuse(
                Reason::Archived,
                format!("{number} is archived: request Staging again and have it approved"),
            );
        }
        stage => {
            return refuse(
                Reason::NotApproved,
                format!(
                    "{number} is in stage {stage}, and a challenger must be approved for Staging: request that stage and have it approved"
                ),
            );
        }
    }
    if version.staging_approval().is_none_or(|entry| entry.decided_by == entry.requested_by) {
        let digest = version.spec.artifact.digest();
        return refuse(
            Reason::NotApproved,
            format!(
                "no second person has approved {number} with {digest} for Staging: archive it, and request Staging again"
            ),
        );
    }
    let Some(main) = main else {
        return refuse(Reason::NoMain, "no version is in Production, so no calls exist to copy".to_owned());
    };
    Ok((version, main))
}

type Judged<'a> = (&'a Arc<ModelVersion>, Option<Refusal>);

/// Whether it can answer main's calls, as far as the signatures are known.
fn fits<'a>(version: &'a Arc<ModelVersion>, main: &ModelVersion) -> Result<Judged<'a>, Refusal> {
    let signature = |v: &ModelVersion| v.status.as_ref().and_then(|s| s.model.clone());
    let number = &version.spec.version;
    let (main, challenger) = match (signature(main), signature(version)) {
        (Some(main), Some(challenger)) => (main, challenger),
        (_, None) => {
            let message = format!("the pods of {number} have not answered yet{}", why(version));
            return Ok((version, Some(Refusal::new(Reason::Starting, message))));
        }
        (None, _) => {
            let message = format!("the pods of main, {}, have not answered yet", main.spec.version);
            return Ok((version, Some(Refusal::new(Reason::Starting, message))));
        }
    };
    match misfit(&main, &challenger, "the challenger") {
        Some(misfit) => Err(Refusal::new(
            Reason::SignatureMismatch,
            format!(
                "{number} cannot answer main's calls: {misfit}; publish a version that fits, or name another one"
            ),
        )),
        None => Ok((version, None)),
    }
}

/// Why no pod of the version is ready, from its condition.
fn why(version: &ModelVersion) -> String {
    let conditions = version.status.as_ref().map_or(&[][..], |s| &s.conditions);
    condition::find(conditions, SERVING)
        .filter(|c| c.status != "True")
        .map(|c| format!(": {}", c.message))
        .unwrap_or_default()
}

/// Whether a pod can receive copies. A challenger whose pods are being replaced stays challenger: meanwhile its copies
/// count as dropped, and the comparison continues.
fn answers(observed: &Observed, version: &ModelVersion) -> bool {
    let known = observed.md.status.as_ref().and_then(|s| s.challenger.as_ref());
    let stays = known.is_some_and(|known| known.is(version));
    stays || observed.pods_of(&version.spec.version).ready > 0
}

#[cfg(test)]
#[path = "challenger_tests.rs"]
mod tests;
