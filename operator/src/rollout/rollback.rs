//! A rollback that somebody asks for: to which version, and whether that may be. Pure.

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{ModelDeployment, ModelVersion, RollbackResult, RollbackStatus, annotations};

/// A request to go back.
#[derive(Debug)]
pub enum RollbackRequest {
    /// Nobody asks.
    None,
    /// To this version.
    To(Arc<ModelVersion>, RollbackStatus),
    /// It may not be, or it is nothing to do; the status says why.
    Answered(RollbackStatus),
}

/// The newest rollback request, unless it was answered before.
pub fn requested(md: &ModelDeployment, versions: &[Arc<ModelVersion>], now: Timestamp) -> RollbackRequest {
    let annotation = |key| md.annotations().get(key).filter(|v: &&String| !v.is_empty());
    let (Some(request), Some(by)) = (annotation(annotations::ROLLBACK), annotation(annotations::ROLLBACK_BY))
    else {
        return RollbackRequest::None;
    };
    let known = md.status.as_ref().and_then(|s| s.rollback.as_ref()).filter(|r| r.request == *request);
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
    if target.production_approval().is_none() {
        return refused(format!(
            "{version} was never approved for Production: ask for the stage and have it approved"
        ));
    }
    RollbackRequest::To(
        Arc::clone(target),
        status(RollbackResult::Pending, format!("{version} is being made ready")),
    )
}
