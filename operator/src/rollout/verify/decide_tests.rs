//! When another version becomes main, and everything that keeps main as it is.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rstest::rstest;
use serde_json::{Value, json};

use understudy_crds::{Decision, HistoryEntry, ModelVersionStatus, Transition};

use super::*;
use crate::{
    fixtures::{
        NOW, condition, deployment, digest, main_is, now, parse, proven, rollback_to, rolling_out, version,
    },
    rollout::verify::facts::Probe,
};

/// 1.3.0 is to replace 1.2.0 with two pods. All facts allow it.
struct Situation {
    /// The deployment that the plan was made for.
    planned: ModelDeployment,
    candidate: Candidate,
    switched: bool,
    breaking: Option<String>,
    reported_ready: Option<i32>,
    ready_pods: usize,
    probes: Option<Vec<Probe>>,
    /// The version as it is now.
    version: Option<ModelVersion>,
    /// The deployment as it is now.
    deployment: Option<ModelDeployment>,
    policy_broken: Option<String>,
    image_refusal: Option<String>,
}

/// The metadata of this deployment once the garbage collector deletes what it owns.
pub fn collected(md: &ModelDeployment) -> ObjectMeta {
    ObjectMeta {
        deletion_timestamp: Some(now().into()),
        finalizers: Some(vec!["foregroundDeletion".to_owned()]),
        ..md.metadata.clone()
    }
}

impl Situation {
    fn new(annotations: &Value, status: &Value, transition: &str, reason: MainReason) -> Self {
        let planned = deployment(json!({
            "metadata": {"annotations": annotations}, "spec": {"replicas": 2}, "status": main_is("1.2.0"),
        }));
        let version = version("1.3.0", json!({"spec": {"stage": "Production"}, "status": status}));
        let candidate = Candidate {
            version: Arc::new(version.clone()),
            transition: transition.to_owned(),
            reason,
            requested_by: "alice".to_owned(),
            approved_by: "bob".to_owned(),
            comment: None,
            breaking: None,
            approved_at: now(),
        };
        // Others wrote it since, but nothing that matters.
        let mut present = planned.clone();
        present.metadata.resource_version = Some("101".to_owned());
        Self {
            planned,
            candidate,
            switched: false,
            breaking: None,
            image_refusal: None,
            reported_ready: Some(2),
            ready_pods: 2,
            probes: Some(vec![answer("10.0.0.7", "1.3.0", "1.3.0"), answer("10.0.0.8", "1.3.0", "1.3.0")]),
            version: Some(version),
            deployment: Some(present),
            policy_broken: None,
        }
    }

    fn promotion() -> Self {
        Self::new(&json!({}), &rolling_out("1.3.0"), "6f1c2b", MainReason::Promoted)
    }

    fn rollback() -> Self {
        let status = proven("1.3.0", "Archived");
        Self::new(&rollback_to("1.3.0"), &status, "rollback:1.3.0#1", MainReason::RolledBack)
    }

    fn decide(self) -> Readiness {
        let fresh =
            Fresh { version: self.version, deployment: self.deployment, policy_broken: self.policy_broken };
        let facts = Promotion {
            candidate: &self.candidate,
            unreadable: None,
            breaking: self.breaking,
            image_refusal: self.image_refusal,
            switched: self.switched,
            wanted: self.planned.spec.replicas,
            reported_ready: self.reported_ready,
            ready_pods: self.ready_pods,
            probes: self.probes,
            fresh: Some(fresh),
        };
        decide(&self.planned, Facts::Promotion(facts))
    }

    fn version(&mut self) -> &mut ModelVersion {
        self.version.as_mut().expect("the version exists")
    }

    fn transition(&mut self) -> &mut Transition {
        status(self.version()).transition.as_mut().expect("the version is requested")
    }

    /// How the newest request for Production ended.
    fn approval(&mut self) -> &mut HistoryEntry {
        let mut history = status(self.version()).history.iter_mut();
        history.rfind(|entry| entry.to == Stage::Production).expect("the version was approved")
    }

    fn deployment(&mut self) -> &mut ModelDeployment {
        self.deployment.as_mut().expect("the deployment exists")
    }
}

pub(super) fn status(version: &mut ModelVersion) -> &mut ModelVersionStatus {
    version.status.as_mut().expect("the version has a status")
}

/// The pod at `ip` answers as `number`, with the bytes of the version `bytes`.
fn answer(ip: &str, number: &str, bytes: &str) -> Probe {
    Probe { ip: ip.to_owned(), response: Ok((number.to_owned(), digest(bytes))), proof: Proof::Synthetic }
}

/// The only way to change main: in the status of the deployment as it is now.
pub(super) fn changes(readiness: &Readiness) -> bool {
    matches!(readiness, Readiness::Change { md } if md.resource_version().as_deref() == Some("101"))
}

/// What main waits for.
pub(super) fn wait(readiness: Readiness) -> Wait {
    match readiness {
        Readiness::Wait { reason, message } => (reason, message),
        other => panic!("it does not wait: {other:?}"),
    }
}

/// Main waits for `reason`, and the message contains `fact`.
fn assert_waits(readiness: Readiness, reason: Waiting, fact: &str) {
    let (found, message) = wait(readiness);
    assert_eq!(found, reason, "{message}");
    assert!(message.contains(fact), "{message:?} does not contain {fact:?}");
}

#[test]
fn a_version_becomes_main_when_its_pods_answer_and_its_approval_stands() {
    let readiness = Situation::promotion().decide();
    assert!(changes(&readiness), "{readiness:?}");
}

#[test]
fn a_version_that_was_approved_once_becomes_main_again_by_a_rollback() {
    let readiness = Situation::rollback().decide();
    assert!(changes(&readiness), "{readiness:?}");
}

#[test]
fn callers_that_were_switched_are_not_sent_back_when_pods_or_policy_fail_before_that_is_recorded() {
    for mut situation in [Situation::promotion(), Situation::rollback()] {
        situation.switched = true;
        situation.reported_ready = None;
        situation.ready_pods = 0;
        situation.probes = None;
        situation.policy_broken = Some("the binding is gone".to_owned());
        assert!(changes(&situation.decide()));
    }
}

#[test]
fn a_switch_is_not_recorded_after_its_request_was_withdrawn() {
    let mut situation = Situation::promotion();
    situation.switched = true;
    status(situation.version()).transition = None;
    assert_waits(situation.decide(), Waiting::RequestChanged, "fraud-1.3.0");
}

#[test]
fn main_stays_while_no_change_is_planned() {
    assert_eq!(decide(&Situation::promotion().planned, Facts::NoChange), Readiness::Keep);
}

type But = fn(&mut Situation);

#[rstest]
#[case::no_pod_was_created(|s: &mut Situation| s.reported_ready = None, Waiting::PodsNotReady, "1.3.0")]
#[case::fewer_pods_are_ready_than_wanted(
    |s: &mut Situation| s.reported_ready = Some(1), Waiting::PodsNotReady, "1 of 2"
)]
#[case::fewer_pods_are_seen_ready_than_reported(
    |s: &mut Situation| s.ready_pods = 1, Waiting::NoAnswer, "1 of 2"
)]
#[case::no_pod_was_probed(|s: &mut Situation| s.probes = None, Waiting::NoAnswer, "0 of 2")]
#[case::a_ready_pod_was_not_probed(
    |s: &mut Situation| s.probes = Some(vec![answer("10.0.0.7", "1.3.0", "1.3.0")]), Waiting::NoAnswer, "1 of 2"
)]
#[case::a_pod_does_not_answer(
    |s: &mut Situation| s.probes = Some(vec![
        answer("10.0.0.7", "1.3.0", "1.3.0"),
        Probe {
            ip: "10.0.0.8".to_owned(),
            response: Err("10.0.0.8: connection refused".to_owned()),
            proof: Proof::Unknown,
        },
    ]),
    Waiting::NoAnswer, "10.0.0.8: connection refused"
)]
#[case::a_pod_answers_as_another_version(
    |s: &mut Situation| s.probes = Some(vec![answer("10.0.0.7", "1.3.0", "1.3.0"), answer("10.0.0.8", "1.2.0", "1.3.0")]),
    Waiting::NoAnswer, "10.0.0.8"
)]
#[case::a_pod_answers_with_another_digest(
    |s: &mut Situation| s.probes = Some(vec![answer("10.0.0.7", "1.3.0", "1.2.0"), answer("10.0.0.8", "1.3.0", "1.3.0")]),
    Waiting::NoAnswer, "10.0.0.7"
)]
#[case::the_version_was_deleted(|s: &mut Situation| s.version = None, Waiting::VersionGone, "fraud-1.3.0")]
#[case::another_version_has_its_name(
    |s: &mut Situation| s.version().metadata.uid = Some("uid-of-another".to_owned()),
    Waiting::RequestChanged, "fraud-1.3.0"
)]
#[case::the_deployment_was_deleted(
    |s: &mut Situation| s.deployment = None, Waiting::DeploymentChanged, "fraud"
)]
#[case::the_deployment_ends_with_its_objects(
    |s: &mut Situation| s.deployment().metadata = collected(s.deployment()),
    Waiting::DeploymentChanged, "fraud"
)]
#[case::another_deployment_has_its_name(
    |s: &mut Situation| s.deployment().metadata.uid = Some("uid-of-another".to_owned()),
    Waiting::DeploymentChanged, "fraud"
)]
#[case::another_version_became_main_meanwhile(
    |s: &mut Situation| s.deployment().status = parse(main_is("1.2.1")),
    Waiting::DeploymentChanged, "fraud"
)]
#[case::main_was_taken_down_meanwhile(
    |s: &mut Situation| s.deployment().status = None, Waiting::DeploymentChanged, "fraud"
)]
#[case::the_approval_policy_is_not_in_force(
    |s: &mut Situation| s.policy_broken = Some("the binding is gone".to_owned()),
    Waiting::ApprovalPolicyInactive, "the binding is gone"
)]
fn neither_promotion_nor_rollback_happens_if(#[case] but: But, #[case] reason: Waiting, #[case] fact: &str) {
    for mut situation in [Situation::promotion(), Situation::rollback()] {
        but(&mut situation);
        assert_waits(situation.decide(), reason, fact);
    }
}

#[rstest]
#[case::the_request_was_withdrawn(|s: &mut Situation| status(s.version()).transition = None)]
#[case::another_approved_request_took_its_place(|s: &mut Situation| {
    s.transition().id = "ffffff".to_owned();
    s.approval().id = "ffffff".to_owned();
})]
#[case::the_request_is_for_another_stage(|s: &mut Situation| {
    s.transition().to = Stage::Archived;
    s.version().spec.stage = Stage::Archived;
})]
#[case::the_approval_was_removed(|s: &mut Situation| s.transition().approval = None)]
#[case::the_stage_was_set_back(|s: &mut Situation| s.version().spec.stage = Stage::Staging)]
#[case::the_spec_has_another_generation(|s: &mut Situation| s.version().metadata.generation = Some(5))]
#[case::the_artifact_is_not_the_requested_one(|s: &mut Situation| s.transition().digest = digest("1.2.0"))]
#[case::the_artifact_is_not_the_approved_one(|s: &mut Situation| s.approval().digest = digest("1.2.0"))]
#[case::the_artifact_was_replaced(|s: &mut Situation| {
    s.version().spec.artifact = version("1.2.0", json!({})).spec.artifact;
})]
#[case::its_deadline_is_over(|s: &mut Situation| {
    s.deployment().status.get_or_insert_default().rollout = Some(parse(json!({
        "version": "1.3.0", "modelVersion": "fraud-1.3.0", "transition": "6f1c2b", "deadlineExceeded": true,
        "message": "0 of 2 pods of 1.3.0 are ready",
    })));
})]
#[case::nobody_recorded_the_approval(|s: &mut Situation| status(s.version()).history.clear())]
#[case::the_recorded_approval_is_of_another_request(|s: &mut Situation| s.approval().id = "ffffff".to_owned())]
#[case::the_recorded_approval_is_for_staging(|s: &mut Situation| s.approval().to = Stage::Staging)]
#[case::the_record_says_that_it_was_rejected(|s: &mut Situation| s.approval().decision = Decision::Rejected)]
#[case::the_approver_is_the_requester(|s: &mut Situation| s.approval().decided_by = "alice".to_owned())]
fn a_version_is_not_promoted_if(#[case] but: But) {
    let mut situation = Situation::promotion();
    but(&mut situation);
    assert_waits(situation.decide(), Waiting::RequestChanged, "fraud-1.3.0");
}

#[rstest]
#[case::the_version_was_never_approved_for_production(
    |s: &mut Situation| status(s.version()).history.truncate(1), Waiting::RequestChanged
)]
#[case::the_version_was_never_main(
    |s: &mut Situation| status(s.version()).history.truncate(2), Waiting::RequestChanged
)]
#[case::other_bytes_were_approved_for_production(
    |s: &mut Situation| s.approval().digest = digest("1.2.0"), Waiting::RequestChanged
)]
#[case::its_approval_for_production_was_by_the_requester(
    |s: &mut Situation| s.approval().decided_by = "alice".to_owned(), Waiting::RequestChanged
)]
#[case::the_artifact_was_replaced(
    |s: &mut Situation| s.version().spec.artifact = version("1.2.0", json!({})).spec.artifact,
    Waiting::RequestChanged
)]
#[case::its_deadline_is_over(
    |s: &mut Situation| s.deployment().status.get_or_insert_default().rollback = Some(parse(json!({
        "request": "1.3.0#1", "by": "carol", "at": NOW, "result": "TimedOut", "message": "m",
    }))),
    Waiting::RequestChanged
)]
#[case::it_was_taken_back(
    |s: &mut Situation| s.deployment().metadata.annotations = None, Waiting::DeploymentChanged
)]
#[case::another_version_is_requested_now(
    |s: &mut Situation| s.deployment().metadata.annotations = parse(rollback_to("1.1.0")),
    Waiting::DeploymentChanged
)]
#[case::it_was_requested_again(
    |s: &mut Situation| s.deployment().metadata.annotations = parse(json!({"understudy.dev/rollback": "1.3.0#2"})),
    Waiting::DeploymentChanged
)]
fn a_rollback_does_not_happen_if(#[case] but: But, #[case] reason: Waiting) {
    let mut situation = Situation::rollback();
    but(&mut situation);
    assert_waits(situation.decide(), reason, "fraud");
}

/// The pods report this about whether the model answers.
fn reporting(mut situation: Situation, proofs: [Proof; 2]) -> Situation {
    let probes = situation.probes.iter_mut().flatten();
    probes.zip(proofs).for_each(|(probe, proof)| probe.proof = proof);
    situation
}

fn missing() -> Proof {
    Proof::Missing { error: "Gather: out of bounds".to_owned() }
}

#[rstest]
#[case::no_pod_has_answered([missing(), missing()])]
#[case::one_node_cannot_run_it([Proof::Synthetic, missing()])]
fn a_model_that_never_answered_is_not_promoted(#[case] proofs: [Proof; 2]) {
    let readiness = reporting(Situation::promotion(), proofs).decide();
    assert_waits(readiness, Waiting::NotProven, "has not answered a call yet");
}

#[test]
fn a_model_is_promoted_if_one_of_its_pods_has_answered_a_call() {
    let situation = reporting(Situation::promotion(), [missing(), Proof::Call]);
    assert!(changes(&situation.decide()));
}

#[test]
fn a_model_is_promoted_if_it_has_answered_before_its_pods_started_again() {
    let mut situation = reporting(Situation::promotion(), [missing(), missing()]);
    let proven = condition("Proven", "True", "CallAnswered", "m");
    status(situation.version()).conditions = parse(proven["conditions"].clone());
    assert!(changes(&situation.decide()));
}

#[test]
fn a_rollback_does_not_wait_for_a_proof() {
    let situation = reporting(Situation::rollback(), [missing(), missing()]);
    assert!(changes(&situation.decide()));
}

#[test]
fn a_rollback_needs_no_new_request() {
    let mut situation = Situation::rollback();
    situation.version().spec.stage = Stage::Archived;
    situation.version().metadata.generation = Some(5);
    assert!(changes(&situation.decide()));
}

#[test]
fn a_version_whose_image_is_not_allowed_any_more_does_not_become_main_by_promotion_or_rollback() {
    for mut situation in [Situation::promotion(), Situation::rollback()] {
        situation.image_refusal = Some("the image may not run".to_owned());
        let (reason, message) = wait(situation.decide());
        assert_eq!((reason, message.as_str()), (Waiting::RuntimeImageNotAllowed, "the image may not run"));
    }
}

#[test]
fn a_pod_that_runs_another_image_is_not_the_version_that_was_approved() {
    let image = |name: &str| format!("registry.example.com/{name}@sha256:00");
    let situation = |answers: Option<String>| {
        let mut situation = Situation::promotion();
        let approved = serde_json::json!({"image": image("approved")});
        let runtime: understudy_crds::Runtime = serde_json::from_value(approved).expect("a runtime");
        Arc::make_mut(&mut situation.candidate.version).spec.runtime = Some(runtime);
        for probe in situation.probes.iter_mut().flatten() {
            let (number, digest) = probe.response.clone().expect("an answer");
            probe.response = Ok((number, crate::rollout::verify::facts::bytes(&digest, answers.as_deref())));
        }
        situation
    };
    assert!(changes(&situation(Some(image("approved"))).decide()));
    for other in [Some(image("other")), None] {
        let (reason, message) = wait(situation(other).decide());
        assert_eq!(reason, Waiting::NoAnswer);
        assert!(message.contains("registry.example.com/approved@sha256:00"), "{message}");
    }
}
