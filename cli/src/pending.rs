//! The request that waits for a decision. Pure.

use understudy_crds::{
    Decision, ModelVersion, Transition,
    condition::{self, READY},
};

use crate::{error::Error, main_record::decider};

/// How people call a version.
#[must_use]
pub fn called(mv: &ModelVersion) -> String {
    format!("{} {}", mv.spec.deployment, mv.spec.version)
}

/// The request that waits for a decision, which must be the one with this id if one is given.
pub fn undecided<'a>(mv: &'a ModelVersion, id: Option<&str>) -> Result<&'a Transition, Error> {
    let called = called(mv);
    let Some(transition) = mv.transition() else {
        return Err(Error::Refused(match operator_words(mv) {
            Some(words) if mv.is_requested() => format!("the request of {called} is not open: {words}"),
            None if mv.is_requested() => {
                format!(
                    "the operator has not opened the request of {called}: does it run, and does it watch this namespace?"
                )
            }
            _ => format!("nothing waits for a decision: {called} is in {}{}", mv.stage(), last_word(mv)),
        }));
    };
    if let Some(grant) = &transition.approval {
        return Err(Error::Refused(format!(
            "{called} to {} is approved already, by {}, and rolls out",
            transition.to, grant.by
        )));
    }
    match id {
        Some(id) if id != transition.id => Err(Error::Refused(format!(
            "what waits for a decision is {} ({called} -> {}, requested by {}), not {id}: look at it again",
            transition.id, transition.to, transition.requested_by
        ))),
        _ => Ok(transition),
    }
}

/// How the newest request ended, where it did not get what `spec.stage` asks for.
fn last_word(mv: &ModelVersion) -> String {
    match mv.history().last().filter(|_| mv.spec.stage != mv.stage()) {
        Some(h) if matches!(h.decision, Decision::RolledBack | Decision::Superseded | Decision::Retired) => {
            format!("; {} -> {}: {} by {}", h.from, h.to, h.decision.in_words(), decider(h))
        }
        Some(h) => format!("; the request for {} ended: {} by {}", h.to, h.decision.as_str(), h.decided_by),
        None => " and nobody asks for another stage".to_owned(),
    }
}

fn operator_words(mv: &ModelVersion) -> Option<String> {
    let ready = condition::find(&mv.status.as_ref()?.conditions, READY)?;
    Some(format!("{}: {}", ready.reason, ready.message))
}
