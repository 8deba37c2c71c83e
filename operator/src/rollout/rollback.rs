//! A requested rollback: to which version, and whether it is allowed. Pure.

use std::sync::Arc;

use super::observe::Observed;
use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    Decision, ModelDeployment, ModelVersion, RollbackResult, RollbackStatus, Stage, annotations,
};

/// The newest request for a rollback.
#[derive(Debug)]
pub enum RollbackRequest {
    /// No rollback is requested, or the request was answered before.
    None,
    /// Roll back to this version.
    To(Arc<ModelVersion>, RollbackStatus),
    /// The rollback is refused, or nothing has to be done. The status has the reason.
    Answered(RollbackStatus),
}

/// The rollback that the annotations request.
pub fn requested(observed: &Observed, now: Timestamp) -> RollbackRequest {
    let (md, versions) = (observed.md.as_ref(), &observed.versions);
    let annotation = |key| annotations::value(md, key);
    let (Some(request), Some(by)) = (annotation(annotations::ROLLBACK), annotation(annotations::ROLLBACK_BY))
    else {
        return RollbackRequest::None;
    };
    let known = md.status.as_ref().and_then(|s| s.rollback.as_ref()).filter(|r| r.request == request);
    if known.is_some_and(|r| r.result != RollbackResult::Pending) {
        return RollbackRequest::None;
    }
    let at = known.map_or_else(|| now.into(), |r| r.at.clone());
    let last = md.status.as_ref().and_then(|status| status.last_comment.as_ref());
    let comment = known.map_or_else(|| annotations::comment(md, last), |known| known.comment.clone());
    let status = |result, message: String| RollbackStatus {
        request: request.clone(),
        by: by.clone(),
        comment: comment.clone(),
        at: at.clone(),
        result,
        message,
    };
    let refused = |message| RollbackRequest::Answered(status(RollbackResult::Refused, message));

    let version = request.split('#').next().unwrap_or_default();
    let Some(target) = versions.iter().find(|v| v.spec.version == version) else {
        if let Some(unreadable) = observed.unreadable(version) {
            let name = unreadable.name();
            return refused(format!("this operator cannot read ModelVersion {name}: upgrade the operator"));
        }
        return refused(format!("there is no version {version} of {}", md.name_any()));
    };
    if md.is_main(target) {
        return RollbackRequest::Answered(status(RollbackResult::Done, format!("{version} is main already")));
    }
    if let Some(message) = refusal(md, target).or_else(|| breaks(observed.current(), target)) {
        return refused(message);
    }
    RollbackRequest::To(
        Arc::clone(target),
        status(RollbackResult::Pending, format!("the pods of {version} are starting")),
    )
}

/// Why callers of main would fail after a rollback, although the major version number stays.
fn breaks(main: Option<&Arc<ModelVersion>>, target: &ModelVersion) -> Option<String> {
    let main = main.filter(|main| main.has_same_major(target))?;
    let breaking = target.breaks(main)?;
    let (number, main) = (&target.spec.version, &main.spec.version);
    Some(format!(
        "BREAKING for callers of {main}: {breaking}; {number} has the major version number of {main}: publish a version that fits"
    ))
}

/// Why a rollback to `version` is refused, if it is. The approval by a second person is on record, and the version was
/// main: otherwise one person could promote it before versions that were approved earlier.
pub fn refusal(md: &ModelDeployment, version: &ModelVersion) -> Option<String> {
    let number = &version.spec.version;
    if !is_approved(md, version) {
        return Some(format!(
            "{number} was never approved for Production by a second person: request that stage and have it approved"
        ));
    }
    if was_main(md, version) {
        return None;
    }
    let rolls_out = version.transition().is_some_and(|t| t.to == Stage::Production && t.approval.is_some());
    let advice = if rolls_out {
        "its approved promotion waits for its turn or for its pods"
    } else {
        "request Production and have it approved"
    };
    Some(format!(
        "{number} was never main of {}, and a rollback goes only to what was main: {advice}",
        md.name_any()
    ))
}

/// Whether a second person approved these bytes for Production of this deployment. An approval under one that was deleted does
/// not count for another one of its name. Entries of older operators do not say under which they were decided.
fn is_approved(md: &ModelDeployment, version: &ModelVersion) -> bool {
    let digest = version.spec.artifact.digest();
    version.history().iter().any(|h| {
        h.to == Stage::Production
            && h.decision == Decision::Approved
            && h.digest == digest
            && h.decided_by != h.requested_by
            && h.deployment_uid.as_ref().is_none_or(|uid| Some(uid) == md.metadata.uid.as_ref())
    })
}

/// Whether the version is or was main. Its own history shows it once its stage has followed. Before that, the record of
/// the deployment does: the id of a transition belongs to one `ModelVersion` object, a name does not.
fn was_main(md: &ModelDeployment, version: &ModelVersion) -> bool {
    let digest = version.spec.artifact.digest();
    version.was_in_production()
        || version
            .history()
            .iter()
            .filter(|h| h.to == Stage::Production && h.decision == Decision::Approved)
            .filter_map(|h| md.change_by(&h.id))
            .any(|record| record.digest == digest)
}
