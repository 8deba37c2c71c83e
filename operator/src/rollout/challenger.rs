//! Which version gets copies of main's calls, and why one that is named does not. Pure.
//!
//! Until a version is accepted here, no pod hears its name: copies of calls are data, and only bytes that a second
//! person let into Staging may see them.

use std::sync::Arc;

use kube::ResourceExt;
use understudy_crds::{
    ModelVersion, Stage,
    condition::{self, SERVING},
};

use super::{observe::Observed, signature};
use crate::reasons::Challenger as Reason;

/// What becomes of the challenger that a deployment names.
#[derive(Clone, Debug)]
pub enum Challenger {
    /// None is named.
    NotNamed,
    /// It gets no call until somebody changes something.
    Refused(Refusal),
    /// It may be challenger, and gets no call before its pods answer.
    Awaited(Arc<ModelVersion>, Refusal),
    /// It gets copies.
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

    /// The version whose pods should be as many as a challenger's.
    pub fn runs(&self) -> Option<&Arc<ModelVersion>> {
        match self {
            Self::Accepted(version) | Self::Awaited(version, _) => Some(version),
            _ => None,
        }
    }

    /// What could not be made for it keeps it from its calls.
    pub fn refused_by(reason: &'static str, message: String) -> Self {
        Self::Refused(Refusal { reason, message })
    }
}

/// Judges the challenger that the deployment names, beside the version that is `main`.
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

/// The named version and main, if the rules let the first stand beside the second.
fn allowed<'a>(
    observed: &'a Observed,
    number: &str,
    main: Option<&'a Arc<ModelVersion>>,
) -> Result<(&'a Arc<ModelVersion>, &'a Arc<ModelVersion>), Refusal> {
    let refuse = |reason, message: String| Err(Refusal::new(reason, message));
    // Versions of other deployments and namespaces are not in this list.
    let Some(version) = observed.versions.iter().find(|v| v.spec.version == number) else {
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
                format!("{number} is archived: ask for Staging again and have it approved"),
            );
        }
        stage => {
            return refuse(
                Reason::NotApproved,
                format!(
                    "{number} is in stage {stage}, and a challenger must be approved for Staging: ask for that stage and have it approved"
                ),
            );
        }
    }
    if version.staging_approval().is_none_or(|entry| entry.decided_by == entry.requested_by) {
        let digest = version.spec.artifact.digest();
        return refuse(
            Reason::NotApproved,
            format!(
                "no second person has approved {number} with {digest} for Staging: archive it, and ask for Staging again"
            ),
        );
    }
    let Some(main) = main else {
        return refuse(Reason::NoMain, "no version is in Production whose calls could be copied".to_owned());
    };
    Ok((version, main))
}

type Judged<'a> = (&'a Arc<ModelVersion>, Option<Refusal>);

/// Whether it can answer what main is asked, as far as that is known yet.
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
    match signature::misfit(&main, &challenger) {
        Some(misfit) => Err(Refusal::new(
            Reason::SignatureMismatch,
            format!(
                "{number} cannot take main's calls: {misfit}; publish a version that fits, or name another one"
            ),
        )),
        None => Ok((version, None)),
    }
}

/// What the version itself says of its pods.
fn why(version: &ModelVersion) -> String {
    let conditions = version.status.as_ref().map_or(&[][..], |s| &s.conditions);
    condition::find(conditions, SERVING)
        .filter(|c| c.status != "True")
        .map(|c| format!(": {}", c.message))
        .unwrap_or_default()
}

/// Whether copies have somewhere to go. One that had pods before keeps its place while they come back: its copies are
/// counted as dropped, and the comparison goes on.
fn answers(observed: &Observed, version: &ModelVersion) -> bool {
    let known = observed.md.status.as_ref().and_then(|s| s.challenger.as_ref());
    let stays = known.is_some_and(|known| {
        known.model_version == version.name_any() && known.digest == version.spec.artifact.digest()
    });
    stays || observed.pods_of(&version.spec.version).ready > 0
}

#[cfg(test)]
#[path = "challenger_tests.rs"]
mod tests;
