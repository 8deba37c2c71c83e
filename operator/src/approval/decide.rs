//! The approval as a state machine: a chain of small rules, of which the first that applies decides. Pure.

use jiff::Timestamp;
use kube::ResourceExt;
use rand::RngExt as _;
use understudy_crds::{
    Acceptance, Decision, HISTORY_LIMIT, MainReason, MainRecord, ModelDeployment, ModelVersion, Stage,
    Transition, Verdict, annotations, limits, text,
};

use super::{observe::Observed, requirements};
use crate::reasons;

/// Entries of the history that are reserved for steps after the last request of a version.
const HISTORY_RESERVE: usize = 4;

/// What the state machine returns for a version.
#[derive(Clone, Debug, PartialEq)]
pub enum NextStep {
    /// Write this.
    Act(Step),
    /// A request cannot continue, for this reason.
    Hold(Hold),
    /// Nothing to decide.
    Rest,
}

/// A change of the status of a version.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A request is opened.
    Open(Transition),
    /// The open request ends without effect.
    Close { decision: Decision, by: String, reason: Option<String> },
    /// The open request is approved.
    Approve { by: String },
    /// The roll-out of the approved request is complete.
    Complete { stage: Stage },
    /// The stage changes without an approval of its own: main changed, the deployment was deleted, or the step needs
    /// none.
    Move { to: Stage, decision: Decision, requested_by: String, decided_by: String, reason: String },
    /// The verdict of a tester is recorded.
    Accept(Acceptance),
}

impl Step {
    /// Whether the step relies on names in annotations, which only the approval policy protects.
    pub const fn needs_policy(&self) -> bool {
        matches!(self, Self::Open(_) | Self::Approve { .. })
    }
}

/// Why a request cannot continue.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    /// The reason in conditions.
    pub reason: reasons::Hold,
    /// The message, for people.
    pub message: String,
    /// Whether the request has an approval that waits.
    pub approved: bool,
}

impl Hold {
    fn new(reason: reasons::Hold, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), approved: false }
    }

    /// The approval policy is not in force.
    pub fn policy_inactive(message: &str, approved: bool) -> Self {
        let message = format!("waiting until the approval policy is in force: {message}");
        Self { approved, ..Self::new(reasons::Hold::ApprovalPolicyInactive, message) }
    }
}

/// A rule. `None`: it does not apply.
type Rule = fn(&Observed, Timestamp) -> Option<NextStep>;

/// All rules, in the order of their priority.
const RULES: [Rule; 10] = [
    retired,
    duplicate,
    became_main,
    superseded,
    withdrawn,
    timed_out,
    rejected,
    expired,
    approved,
    requested,
];

/// What to do with a version now.
pub fn decide(observed: &Observed, now: Timestamp) -> NextStep {
    if observed.deployment_unreadable {
        // It exists: nothing of it ends.
        let name = &observed.version.spec.deployment;
        let message = format!("this operator cannot read ModelDeployment {name}: upgrade the operator");
        return NextStep::Hold(Hold::new(reasons::Hold::DeploymentUnreadable, message));
    }
    let next = RULES.iter().find_map(|rule| rule(observed, now)).unwrap_or(NextStep::Rest);
    match next {
        NextStep::Act(_) => next,
        // A verdict is recorded even while a request waits.
        NextStep::Hold(_) | NextStep::Rest => accepted(observed, now).unwrap_or(next),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the return type of a rule")]
fn act(step: Step) -> Option<NextStep> {
    Some(NextStep::Act(step))
}

/// The value of an annotation, cut to what the status can hold. It is compared with the status, too: compared whole, it
/// would differ after each write.
fn annotation(version: &ModelVersion, key: &str) -> Option<String> {
    let most = match key {
        annotations::REASON => limits::REASON,
        annotations::FEEDBACK => limits::FEEDBACK,
        _ => limits::PERSON,
    };
    version.annotations().get(key).filter(|v| !v.is_empty()).map(|v| text::clamp(v, most))
}

/// Waits if the name in the annotation `key` is too long to be recorded: a part of a name could be another person.
fn name_too_long(version: &ModelVersion, key: &str) -> Option<NextStep> {
    let count = version.annotations().get(key)?.chars().count();
    (count > limits::PERSON).then(|| {
        let message = format!("the name in {key} has {count} characters, more than {}", limits::PERSON);
        NextStep::Hold(Hold::new(reasons::Hold::NameTooLong, message))
    })
}

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
fn retired(o: &Observed, _: Timestamp) -> Option<NextStep> {
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
    let decided_under = o.version.status.as_ref().and_then(|status| status.deployment_uid.as_ref());
    let present = o.deployment.as_ref().and_then(|md| md.metadata.uid.as_ref());
    decided_under.zip(present).is_some_and(|(then, now)| then != now) && !is_main(o)
}

/// Whether it was main of a deployment that has no main now, and no request of its own moved it out. Main is recorded
/// before the stage follows, so this is not a version that has just become main.
fn lost_its_main(o: &Observed) -> bool {
    let moves_out = |t: &Transition| t.approval.is_some() && t.to != Stage::Production;
    let has_main = o.deployment.as_deref().is_some_and(|md| md.main().is_some());
    was_main(o) && !has_main && !o.version.transition().is_some_and(moves_out)
}

/// Stands for the person in decisions that no person made.
pub const OPERATOR: &str = "understudy-operator";

fn moved(to: Stage, decision: Decision, requested_by: &str, decided_by: &str, reason: String) -> Step {
    Step::Move {
        to,
        decision,
        requested_by: requested_by.to_owned(),
        decided_by: decided_by.to_owned(),
        reason,
    }
}

/// Of two versions with the same number, only the older one is served.
fn duplicate(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let other = o.duplicate_of.as_ref().filter(|_| !o.version.stage().is_served())?;
    let message = format!(
        "ModelVersion {other} already has the version {} of {}: publish with another version number",
        o.version.spec.version, o.version.spec.deployment
    );
    Some(NextStep::Hold(Hold::new(reasons::Hold::DuplicateVersion, message)))
}

/// The version became main, by its own approved request or by a rollback.
fn became_main(o: &Observed, _: Timestamp) -> Option<NextStep> {
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
fn superseded(o: &Observed, _: Timestamp) -> Option<NextStep> {
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

/// The request was withdrawn or replaced by another one before it had an effect.
fn withdrawn(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = o.version.transition()?;
    let stands =
        o.version.spec.stage == transition.to && o.version.metadata.generation == Some(transition.generation);
    if stands {
        return None;
    }
    let by =
        annotation(&o.version, annotations::REQUESTED_BY).unwrap_or_else(|| transition.requested_by.clone());
    let reason = (o.version.spec.stage != o.version.stage())
        .then(|| format!("{} is requested instead", o.version.spec.stage));
    act(Step::Close { decision: Decision::Withdrawn, by, reason })
}

/// The approved version did not become main before its deadline. The controller of deployments has recorded that first,
/// and does not promote it any more.
fn timed_out(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = o.version.transition().filter(|t| t.approval.is_some())?;
    let rollout = o.deployment.as_ref()?.status.as_ref()?.rollout.as_ref()?;
    let ended = rollout.deadline_exceeded
        && rollout.transition == transition.id
        && rollout.model_version == o.version.name_any();
    let reason = ended.then(|| rollout.message.clone())?;
    act(Step::Close { decision: Decision::TimedOut, by: OPERATOR.to_owned(), reason: Some(reason) })
}

fn undecided(o: &Observed) -> Option<&Transition> {
    o.version.transition().filter(|t| t.approval.is_none())
}

fn rejected(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = undecided(o)?;
    annotation(&o.version, annotations::REJECT).filter(|id| *id == transition.id)?;
    let by = annotation(&o.version, annotations::REJECTED_BY)?;
    let reason = annotation(&o.version, annotations::REASON);
    act(Step::Close { decision: Decision::Rejected, by, reason })
}

fn expired(o: &Observed, now: Timestamp) -> Option<NextStep> {
    let transition = undecided(o)?;
    let at = transition.expires_at.as_ref().filter(|at| at.0 <= now)?;
    let reason = format!("nobody decided until {}", at.0);
    act(Step::Close { decision: Decision::Expired, by: OPERATOR.to_owned(), reason: Some(reason) })
}

/// A second person approved the request. The rules of the approval policy are checked here again.
fn approved(o: &Observed, _: Timestamp) -> Option<NextStep> {
    let transition = undecided(o)?;
    let unmet = if transition.to == Stage::Production { requirements::unmet(o) } else { vec![] };
    let approver = annotation(&o.version, annotations::APPROVE)
        .filter(|id| *id == transition.id)
        .and_then(|_| annotation(&o.version, annotations::APPROVED_BY));
    if let Some((reason, _)) = unmet.first() {
        let message = unmet.iter().map(|(_, m)| m.as_str()).collect::<Vec<_>>().join("; ");
        let message = match &approver {
            Some(by) => format!("approved by {by}, but {message}"),
            None => message,
        };
        return Some(NextStep::Hold(Hold { approved: approver.is_some(), ..Hold::new(*reason, message) }));
    }
    let by = approver?;
    if let Some(hold) = name_too_long(&o.version, annotations::APPROVED_BY) {
        return Some(hold);
    }
    if by == transition.requested_by {
        return Some(NextStep::Hold(Hold::new(
            reasons::Hold::FourEyes,
            format!("{by} requested this transition and cannot approve it"),
        )));
    }
    if transition.digest != o.version.spec.artifact.digest()
        || o.version.history().iter().any(|h| h.id == transition.id)
    {
        let message = "the approval is for another digest, or its id was used before: withdraw the request, then request again";
        return Some(NextStep::Hold(Hold::new(reasons::Hold::RequestChanged, message)));
    }
    act(Step::Approve { by })
}

/// A new request.
fn requested(o: &Observed, now: Timestamp) -> Option<NextStep> {
    if o.version.transition().is_some() || !o.version.is_requested() {
        return None;
    }
    let (from, to) = (o.version.stage(), o.version.spec.stage);
    if !from.may_become(to, o.version.was_in_production()) {
        let message = format!("no step leads from {from} to {to}: set spec.stage back to {from}");
        return Some(NextStep::Hold(Hold::new(reasons::Hold::NoSuchStep, message)));
    }
    let Some(requested_by) = annotation(&o.version, annotations::REQUESTED_BY) else {
        let message = "the annotation understudy.dev/requested-by is missing: request again";
        return Some(NextStep::Hold(Hold::new(reasons::Hold::RequesterUnknown, message)));
    };
    if let Some(hold) = name_too_long(&o.version, annotations::REQUESTED_BY) {
        return Some(hold);
    }
    if o.version.history().len() + HISTORY_RESERVE > HISTORY_LIMIT {
        let message = "the history is full: publish the model as a new version";
        return Some(NextStep::Hold(Hold::new(reasons::Hold::HistoryFull, message)));
    }
    if !from.needs_approval(to) {
        let reason = format!("{from} -> {to} needs no approval");
        return act(moved(to, Decision::Retired, &requested_by, &requested_by, reason));
    }
    act(Step::Open(Transition {
        id: fresh_id(),
        from,
        to,
        requested_by,
        requested_at: now.into(),
        generation: o.version.metadata.generation.unwrap_or_default(),
        digest: o.version.spec.artifact.digest(),
        expires_at: now.checked_add(std::time::Duration::from(o.rules.expires_after)).ok().map(Into::into),
        policy_fingerprint: None,
        approval: None,
    }))
}

/// The step under the approval policy with this fingerprint. A request keeps the fingerprint. An approval under another
/// fingerprint may have been written while no policy checked its author: it withdraws the request, which is then opened
/// again.
pub fn under(step: Step, pending: Option<&Transition>, fingerprint: Option<&str>) -> Step {
    let fingerprint = fingerprint.map(str::to_owned);
    match step {
        Step::Open(transition) => Step::Open(Transition { policy_fingerprint: fingerprint, ..transition }),
        Step::Approve { .. } if pending.is_some_and(|t| t.policy_fingerprint != fingerprint) => Step::Close {
            decision: Decision::Withdrawn,
            by: OPERATOR.to_owned(),
            reason: Some(
                "the approval policy changed after the request was opened: it needs a new approval"
                    .to_owned(),
            ),
        },
        other => other,
    }
}

/// A tester gave a new verdict on a version in Staging.
fn accepted(o: &Observed, now: Timestamp) -> Option<NextStep> {
    if o.version.stage() != Stage::Staging {
        return None;
    }
    let verdict = match annotation(&o.version, annotations::ACCEPT)?.as_str() {
        "passed" => Verdict::Passed,
        "failed" => Verdict::Failed,
        _ => return None,
    };
    let by = annotation(&o.version, annotations::ACCEPTED_BY)?;
    let feedback = annotation(&o.version, annotations::FEEDBACK);
    let known = o.version.status.as_ref().and_then(|s| s.acceptance.as_ref());
    if known.is_some_and(|k| (k.verdict, &k.by, &k.feedback) == (verdict, &by, &feedback)) {
        return None;
    }
    act(Step::Accept(Acceptance { verdict, by, at: now.into(), feedback }))
}

/// Six random bytes in hexadecimal: short enough to type, and practically unique.
pub fn fresh_id() -> String {
    format!("{:012x}", rand::rng().random_range(0..1_u64 << 48))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
