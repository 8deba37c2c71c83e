//! A requested rollback: to which version, and whether it is allowed. Pure.

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    ModelDeployment, ModelVersion, RollbackResult, RollbackStatus, annotations, limits, text,
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
pub fn requested(md: &ModelDeployment, versions: &[Arc<ModelVersion>], now: Timestamp) -> RollbackRequest {
    // Cut to what the status can hold: a longer request would differ from the status after each write.
    let annotation =
        |key, most| md.annotations().get(key).filter(|v| !v.is_empty()).map(|v| text::clamp(v, most));
    let (Some(request), Some(by)) = (
        annotation(annotations::ROLLBACK, limits::ROLLBACK),
        annotation(annotations::ROLLBACK_BY, limits::PERSON),
    ) else {
        return RollbackRequest::None;
    };
    let known = md.status.as_ref().and_then(|s| s.rollback.as_ref()).filter(|r| r.request == request);
    if known.is_some_and(|r| r.result != RollbackResult::Pending) {
        return RollbackRequest::None;
    }
    let at = known.map_or_else(|| now.into(), |r| r.at.clone());
    let status = |result, message: String| RollbackStatus {
        request: request.clone(),
        by: by.clone(),
        at: at.clone(),
        result,
        message,
    };
    let refused = |message| RollbackRequest::Answered(status(RollbackResult::Refused, message));

    let version = request.split('#').next().unwrap_or_default();
    let Some(target) = versions.iter().find(|v| v.spec.version == version) else {
        return refused(format!("there is no version {version} of {}", md.name_any()));
    };
    let main = md.main().map(|m| m.model_version.as_str());
    if main == Some(target.name_any().as_str()) {
        return RollbackRequest::Answered(status(RollbackResult::Done, format!("{version} is main already")));
    }
    if target.production_approval().is_none_or(|h| h.decided_by == h.requested_by) {
        return refused(format!(
            "{version} was never approved for Production by a second person: request that stage and have it approved"
        ));
    }
    RollbackRequest::To(
        Arc::clone(target),
        status(RollbackResult::Pending, format!("the pods of {version} are starting")),
    )
}
