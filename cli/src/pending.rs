//! The request that waits for a decision. Pure.

use understudy_crds::{
    Decision, ModelVersion, Transition,
    condition::{self, READY},
};

use crate::{error::Error, main_record::decider};

/// Deployment and version: `fraud 1.3.0`.
#[must_use]
pub fn called(mv: &ModelVersion) -> String {
    format!("{} {}", mv.spec.deployment, mv.spec.version)
}

/// The request that waits for a decision. If an id is given, it must be the one with this id.
pub fn undecided<'a>(mv: &'a ModelVersion, id: Option<&str>) -> Result<&'a Transition, Error> {
    let called = called(mv);
    let Some(transition) = mv.transition() else {
        return Err(Error::Refused(match ready_message(mv) {
            Some(words) if mv.is_requested() => format!("the request for {called} is not open: {words}"),
            None if mv.is_requested() => {
                format!(
                    "the operator has not opened the request for {called} yet. Check that it runs and watches this namespace"
                )
            }
            _ => format!("no request waits for a decision: {called} is in {}{}", mv.stage(), newest_end(mv)),
        }));
    };
    if let Some(grant) = &transition.approval {
        return Err(Error::Refused(format!(
            "{called} -> {} is already approved by {}, and rolls out",
            transition.to, grant.by
        )));
    }
    match id {
        Some(id) if id != transition.id => Err(Error::Refused(format!(
            "{id} does not wait for a decision. The pending request is {} ({called} -> {}, requested by {}): review it again",
            transition.id, transition.to, transition.requested_by
        ))),
        _ => Ok(transition),
    }
}

/// How the newest request ended, if `spec.stage` still differs from the stage.
fn newest_end(mv: &ModelVersion) -> String {
    match mv.history().last().filter(|_| mv.spec.stage != mv.stage()) {
        Some(h) if matches!(h.decision, Decision::RolledBack | Decision::Superseded | Decision::Retired) => {
            format!("; {} -> {}: {} by {}", h.from, h.to, h.decision.in_words(), decider(h))
        }
        Some(h) => format!("; the request for {} ended: {} by {}", h.to, h.decision.as_str(), h.decided_by),
        None => " and no other stage is requested".to_owned(),
    }
}

fn ready_message(mv: &ModelVersion) -> Option<String> {
    let ready = condition::find(&mv.status.as_ref()?.conditions, READY)?;
    Some(format!("{}: {}", ready.reason, ready.message))
}
