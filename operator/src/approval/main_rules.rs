//! The rules about what happens to main and to the deployment: no person decides on the version itself. Pure.

use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{Decision, MainReason, MainRecord, ModelDeployment, Stage, Transition};

use super::{
    observe::Observed,
    step::{Hold, NextStep, OPERATOR, Step, act, moved},
};
use crate::reasons;

fn is_main(observed: &Observed) -> bool {
    main_transition(observed).is_some()
}

/// Id of the transition or rollback that made this version main, if it is main.
fn main_transition(observed: &Observed) -> Option<&str> {
    let md = observed.deployment.as_deref().filter(|md| md.is_main(&observed.version))?;
    md.main().map(|main| main.transition.as_str())
}

/// Its deployment does not exist, so none of its pods run. Or it was deleted and created again while no operator ran:
/// the result must be the same.
pub fn retired(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let name = &o.version.spec.deployment;
    if o.deployment.is_some() {
        return is_of_another(o)
            .then(|| format!("ModelDeployment {name} was deleted and created again"))
            .or_else(|| {
                lost_its_main(o).then(|| format!("it is not main of the present ModelDeployment {name}"))
            })
            .and_then(|reason| end(o, reason));
    }
    end(o, format!("ModelDeployment {name} was deleted")).or_else(|| {
        let message = format!("ModelDeployment {name} does not exist in this namespace: create it");
        Some(NextStep::Hold(Hold::new(reasons::Hold::DeploymentNotFound, message)))
    })
}

/// Ends the stage or, if the version has no pods, the request. `None` if there is nothing to end.
fn end(o: &Observed, reason: String) -> Option<NextStep> {
    if o.version.stage().is_served() {
        return act(moved(Stage::Archived, Decision::Retired, OPERATOR, OPERATOR, reason));
    }
    o.version.transition()?;
    act(Step::Close { decision: Decision::Withdrawn, by: OPERATOR.to_owned(), reason: Some(reason) })
}

/// Whether its stage and request were decided under another deployment of the same name.
fn is_of_another(o: &Observed) -> bool {
    o.deployment.as_ref().is_some_and(|md| o.version.is_of_another(md)) && !is_main(o)
}

/// Whether it was main of a deployment that has no main now, and no request of its own moved it out. Main is recorded
/// before the stage follows, so this is not a version that has just become main.
fn lost_its_main(o: &Observed) -> bool {
    let moves_out = |t: &Transition| t.approval.is_some() && t.to != Stage::Production;
    let has_main = o.deployment.as_deref().is_some_and(|md| md.main().is_some());
    was_main(o) && !has_main && !o.version.transition().is_some_and(moves_out)
}

/// The version became main, by its own approved request or by a rollback.
pub fn became_main(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = main_transition(o)?;
    let own = o.version.transition().filter(|t| t.id == transition);
    if own.is_none() && o.version.stage() == Stage::Production {
        return None;
    }
    if o.other_in_production {
        // The previous main is archived first, so that never more than one version is in Production.
        return Some(NextStep::Rest);
    }
    if own.is_some() {
        return act(Step::Complete { stage: Stage::Production });
    }
    let record = newest_record(o)?;
    let reason = format!("rolled back to {} by {}", record.version, record.requested_by);
    act(moved(Stage::Production, Decision::RolledBack, &record.requested_by, decided_by(record), reason))
}

fn newest_record(o: &Observed) -> Option<&MainRecord> {
    o.deployment.as_ref()?.status.as_ref()?.history.last()
}

/// Who decided that main changes. A rollback is decided by one person: the approval in its record is older.
fn decided_by(record: &MainRecord) -> &str {
    match record.reason {
        MainReason::Promoted => &record.approved_by,
        MainReason::RolledBack => &record.requested_by,
    }
}

/// Whether the version was main: by its stage or, if another version replaced it before its stage followed, by the
/// deployment's record of its request.
fn was_main(o: &Observed) -> bool {
    let recorded = |t: &Transition| o.deployment.as_ref().is_some_and(|md| md.change_by(&t.id).is_some());
    o.version.stage() == Stage::Production || o.version.transition().is_some_and(recorded)
}

/// The version was main and is no longer: it was replaced, rolled back from, or moved out by its own request.
pub fn superseded(o: &Observed, _: Timestamp) -> Option<NextStep> {
    if !was_main(o) || is_main(o) {
        return None;
    }
    if let Some(out) = o.version.transition().filter(|t| t.approval.is_some() && t.to != Stage::Production) {
        return act(Step::Complete { stage: out.to });
    }
    let main = o.deployment.as_deref().and_then(ModelDeployment::main)?;
    let record = newest_record(o)?;
    let (decision, verb) = match record.reason {
        MainReason::Promoted => (Decision::Superseded, "replaced by"),
        MainReason::RolledBack => (Decision::RolledBack, "rolled back to"),
    };
    act(moved(
        Stage::Archived,
        decision,
        &record.requested_by,
        decided_by(record),
        format!("{verb} {}", main.version),
    ))
}

/// The approved version did not become main before its deadline. The controller of deployments has recorded that first,
/// and does not promote it any more.
pub fn timed_out(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = o.version.transition().filter(|t| t.approval.is_some())?;
    let rollout = o.deployment.as_ref()?.status.as_ref()?.rollout.as_ref()?;
    let ended = rollout.deadline_exceeded
        && rollout.transition == transition.id
        && rollout.model_version == o.version.name_any();
    let reason = ended.then(|| rollout.message.clone())?;
    act(Step::Close { decision: Decision::TimedOut, by: OPERATOR.to_owned(), reason: Some(reason) })
}
