//! When no version is main any more, and everything that keeps main as it is.

use rstest::rstest;
use serde_json::{Value, json};
use understudy_crds::Transition;

use super::{
    tests::{changes, collected, status, wait},
    *,
};
use crate::fixtures::{NOW, approved, deployment, main_is, parse, proven, request, version, with};

/// 1.2.0 is to leave Production by its own approved request.
struct TakeDown {
    planned: ModelDeployment,
    approved: Transition,
    version: Option<ModelVersion>,
    deployment: Option<ModelDeployment>,
}

impl TakeDown {
    fn new() -> Self {
        let transition = approved(request("1.2.0", "Production", "Archived"));
        let status = with(proven("1.2.0", "Production"), json!({"transition": transition}));
        let planned = deployment(json!({"status": main_is("1.2.0")}));
        let mut present = planned.clone();
        present.metadata.resource_version = Some("101".to_owned());
        Self {
            planned,
            approved: parse(transition),
            version: Some(version("1.2.0", json!({"spec": {"stage": "Archived"}, "status": status}))),
            deployment: Some(present),
        }
    }

    fn decide(self) -> Readiness {
        let Self { planned, approved, version, deployment } = self;
        decide(&planned, Facts::TakeDown { approved: &approved, version, deployment })
    }

    fn version(&mut self) -> &mut ModelVersion {
        self.version.as_mut().expect("the version exists")
    }

    fn transition(&mut self) -> &mut Transition {
        status(self.version()).transition.as_mut().expect("the version is requested")
    }

    fn deployment(&mut self) -> &mut ModelDeployment {
        self.deployment.as_mut().expect("the deployment exists")
    }
}

#[test]
fn main_is_taken_down_when_its_approved_request_stands() {
    assert!(changes(&TakeDown::new().decide()));
}

#[rstest]
#[case::the_version_was_deleted(|t: &mut TakeDown| t.version = None, Waiting::RequestChanged)]
#[case::the_request_was_withdrawn(
    |t: &mut TakeDown| status(t.version()).transition = None, Waiting::RequestChanged
)]
#[case::another_request_took_its_place(
    |t: &mut TakeDown| t.transition().id = "ffffff".to_owned(), Waiting::RequestChanged
)]
#[case::the_approval_was_removed(
    |t: &mut TakeDown| t.transition().approval = None, Waiting::RequestChanged
)]
#[case::the_stage_was_set_back(
    |t: &mut TakeDown| t.version().spec.stage = Stage::Production, Waiting::RequestChanged
)]
#[case::the_spec_has_another_generation(
    |t: &mut TakeDown| t.version().metadata.generation = Some(5), Waiting::RequestChanged
)]
#[case::the_deployment_was_deleted(|t: &mut TakeDown| t.deployment = None, Waiting::DeploymentChanged)]
#[case::the_deployment_ends_with_its_objects(
    |t: &mut TakeDown| t.deployment().metadata = collected(t.deployment()), Waiting::DeploymentChanged
)]
#[case::another_deployment_has_its_name(
    |t: &mut TakeDown| t.deployment().metadata.uid = Some("uid-of-another".to_owned()), Waiting::DeploymentChanged
)]
#[case::another_version_became_main_meanwhile(
    |t: &mut TakeDown| t.deployment().status = parse(main_is("1.2.1")), Waiting::DeploymentChanged
)]
fn main_is_not_taken_down_if(#[case] but: fn(&mut TakeDown), #[case] reason: Waiting) {
    let mut situation = TakeDown::new();
    but(&mut situation);
    assert_eq!(wait(situation.decide()).0, reason);
}

/// The cache has no `ModelVersion` of main. The API server says whether it exists, and how the deployment is now.
fn deleted(exists: bool, present: Option<ModelDeployment>) -> Readiness {
    let planned = deployment(json!({"status": main_is("1.2.0")}));
    decide(&planned, Facts::MainDeleted { exists, deployment: present })
}

fn present(parts: Value) -> ModelDeployment {
    let base = json!({"metadata": {"resourceVersion": "101"}, "status": main_is("1.2.0")});
    deployment(with(base, parts))
}

#[test]
fn a_main_whose_version_was_deleted_is_taken_down() {
    assert!(changes(&deleted(false, Some(present(json!({}))))));
}

#[test]
fn a_main_that_only_the_cache_does_not_have_stays() {
    assert_eq!(deleted(true, None), Readiness::Keep);
    assert_eq!(deleted(true, Some(present(json!({})))), Readiness::Keep);
}

#[rstest]
#[case::was_deleted_too(None)]
#[case::ends_with_its_objects(Some(present(json!({
    "metadata": {"deletionTimestamp": NOW, "finalizers": ["foregroundDeletion"]}
}))))]
#[case::is_another_one_of_its_name(Some(present(json!({"metadata": {"uid": "uid-of-another"}}))))]
#[case::has_another_main_meanwhile(Some(present(json!({"status": main_is("1.2.1")}))))]
fn a_deleted_main_is_not_taken_down_if_the_deployment(#[case] present: Option<ModelDeployment>) {
    assert_eq!(wait(deleted(false, present)).0, Waiting::DeploymentChanged);
}
