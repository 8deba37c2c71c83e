//! Which versions run, with how many pods, and which one becomes main next. Pure.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    Grant, MainReason, ModelVersion, Previous, RollbackResult, RollbackStatus, Stage, Transition,
};

use super::{
    build::Answering,
    challenger::Challenger,
    closing::closing,
    observe::Observed,
    rollback::{self, RollbackRequest},
};

/// The desired state of a deployment.
#[derive(Debug)]
pub struct Plan {
    /// The version that is main by the status, if it still exists.
    pub current: Option<Arc<ModelVersion>>,
    /// What should happen to main.
    pub next: Next,
    /// Versions that have pods, and how many.
    pub serve: Vec<(Arc<ModelVersion>, i32)>,
    /// The newest rollback request and its result so far.
    pub rollback: Option<RollbackStatus>,
    /// Until when the pods of the previous main keep running.
    pub warm_until: Option<Timestamp>,
}

/// What should happen to main.
#[derive(Clone, Debug)]
pub enum Next {
    /// Main stays.
    Keep,
    /// This version becomes main.
    Promote(Candidate),
    /// No version is main any more.
    TakeDown {
        /// The approved transition, or `None` if the version was deleted.
        transition: Option<Transition>,
    },
}

/// A version that may become main.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The version.
    pub version: Arc<ModelVersion>,
    /// Id of the approved transition, or the rollback request.
    pub transition: String,
    /// What makes it main.
    pub reason: MainReason,
    /// Who requested Production for it, or who rolled back.
    pub requested_by: String,
    /// Who approved it for Production. A rollback needs no new approval.
    pub approved_by: String,
    /// Why a person rolls back, in their words.
    pub comment: Option<String>,
    /// What callers of the present main have to change if this version replaces it.
    pub breaking: Option<String>,
    /// When the change was decided: by the approval, or by the request for the rollback.
    pub approved_at: Timestamp,
}

impl Candidate {
    /// What callers reach once it is main.
    pub fn answering(&self) -> Answering<'_> {
        Answering { version: &self.version.spec.version, transition: &self.transition }
    }
}

/// Plans pods and main. `challenger` was judged next to the version that is main by the status.
pub fn plan(observed: &Observed, challenger: &Challenger, now: Timestamp) -> Plan {
    let current = observed.current().cloned();
    let request = rollback::requested(observed, now);
    let (next, rollback) = match request {
        RollbackRequest::To(version, status) => {
            let approval = version.production_approval();
            let approved_by = approval.map_or_else(|| status.by.clone(), |h| h.decided_by.clone());
            let breaking = breaking(&version, current.as_ref());
            let candidate = Candidate {
                version,
                transition: format!("rollback:{}", status.request),
                reason: MainReason::RolledBack,
                requested_by: status.by.clone(),
                approved_by,
                comment: status.comment.clone(),
                breaking,
                approved_at: status.at.0,
            };
            (Next::Promote(candidate), Some(status))
        }
        RollbackRequest::Answered(status) => (next(observed, current.as_ref()), Some(status)),
        RollbackRequest::None => (next(observed, current.as_ref()), None),
    };
    let rollback = rollback.or_else(|| recorded_rollback(observed));
    let (serve, warm_until) = serve(observed, current.as_ref(), challenger, &next, now);
    Plan { current, next, serve, rollback, warm_until }
}

fn recorded_rollback(observed: &Observed) -> Option<RollbackStatus> {
    let known = observed.md.status.as_ref()?.rollback.clone()?;
    // A pending request without its annotation was withdrawn.
    (known.result != RollbackResult::Pending).then_some(known)
}

fn next(observed: &Observed, current: Option<&Arc<ModelVersion>>) -> Next {
    let main = observed.md.main();
    // A version that was main by this request and was replaced before its stage followed is not promoted again.
    let was_main = |t: &Transition| observed.md.change_by(&t.id).is_some();
    let is_main = |t: &Transition| main.is_some_and(|m| m.transition == t.id);
    let is_over = |t: &Transition| closing(observed).is_some_and(|r| r.transition == t.id);
    let may_become_main = |t: &Transition| !is_main(t) && !was_main(t) && !is_over(t);
    let approved = observed.versions.iter().filter_map(|version| {
        let transition = version.transition()?;
        let grant = transition.approval.as_ref()?;
        (transition.to == Stage::Production && may_become_main(transition)).then(|| Candidate {
            version: Arc::clone(version),
            transition: transition.id.clone(),
            reason: MainReason::Promoted,
            requested_by: transition.requested_by.clone(),
            approved_by: approvers(transition, grant),
            comment: None,
            breaking: breaking(version, current),
            approved_at: grant.at.0,
        })
    });
    // Of two, the one that was approved first becomes main first. The other one replaces it then.
    if let Some(candidate) = approved.min_by_key(|c| (c.approved_at, c.version.name_any())) {
        return Next::Promote(candidate);
    }
    match (main, current) {
        (Some(_), None) if observed.main_is_unreadable() => Next::Keep,
        (Some(_), None) => Next::TakeDown { transition: None },
        (Some(_), Some(version)) => match version.transition() {
            Some(t) if t.approval.is_some() && t.from == Stage::Production => {
                Next::TakeDown { transition: Some(t.clone()) }
            }
            _ => Next::Keep,
        },
        (None, _) => Next::Keep,
    }
}

/// Everybody who approved the transition, whose last approval is `grant`.
fn approvers(transition: &Transition, grant: &Grant) -> String {
    if transition.approvals.len() <= 1 {
        return grant.by.clone();
    }
    transition.approvals.iter().map(|grant| grant.by.as_str()).collect::<Vec<_>>().join(", ")
}

/// What callers of main have to change if `version` replaces it. A version that is main already replaces nothing.
fn breaking(version: &ModelVersion, current: Option<&Arc<ModelVersion>>) -> Option<String> {
    current.filter(|main| main.metadata.uid != version.metadata.uid).and_then(|main| version.breaks(main))
}

type Served = (Vec<(Arc<ModelVersion>, i32)>, Option<Timestamp>);

fn serve(
    observed: &Observed,
    current: Option<&Arc<ModelVersion>>,
    challenger: &Challenger,
    next: &Next,
    now: Timestamp,
) -> Served {
    let full = observed.md.spec.replicas;
    let mut serve: BTreeMap<String, (Arc<ModelVersion>, i32)> = BTreeMap::new();
    let mut add = |version: &Arc<ModelVersion>, replicas: i32| {
        let entry = serve.entry(version.name_any()).or_insert_with(|| (Arc::clone(version), replicas));
        entry.1 = entry.1.max(replicas);
    };
    for version in observed.versions.iter().filter(|v| v.stage() == Stage::Staging) {
        add(version, 1);
    }
    if let Some((version, spec)) = challenger.runs().zip(observed.md.spec.challenger.as_ref()) {
        add(version, spec.replicas);
    }
    if let Some(current) = current {
        add(current, full);
    }
    if let Next::Promote(candidate) = next {
        add(&candidate.version, full);
    }
    let previous =
        observed.md.status.as_ref().and_then(|s| s.previous.as_ref()).filter(|p| p.warm_until.0 > now);
    let warm = previous.and_then(|p| Some((was_main(observed, p)?, p.warm_until.0)));
    if let Some((version, _)) = warm {
        add(version, full);
    }
    (serve.into_values().collect(), warm.map(|(_, until)| until))
}

/// The version that was main before, if it still exists. Another `ModelVersion` of the same name is not it.
fn was_main<'a>(observed: &'a Observed, previous: &Previous) -> Option<&'a Arc<ModelVersion>> {
    observed.version(&previous.model_version).filter(|version| previous.is(version))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
