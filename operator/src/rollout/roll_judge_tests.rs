//! Which changes of a template are applied immediately, and which wait for their wave.

use rstest::rstest;
use serde_json::{Value, json};
use understudy_crds::ModelDeployment;

use super::*;
use crate::{
    config::Config,
    fixtures::{deployment, parse, rolled_out, version, with},
};

fn config(image: &str) -> Config {
    parse(json!({"serverImage": image}))
}

fn md(spec: &Value) -> ModelDeployment {
    deployment(json!({"spec": with(json!({"replicas": 2}), spec.clone())}))
}

/// What is wanted of 1.2.0, with this image.
fn wanted(spec: &Value, image: &str) -> (Deployment, Origin) {
    let (md, mv, config) = (md(spec), version("1.2.0", json!({})), config(image));
    let replicas = md.spec.replicas;
    let origin = Origin::new(&md, &mv, &config, &build::operator_hash(&config));
    (build::workload(&md, &mv, replicas, &config), origin)
}

fn judged(spec: &Value, image: &str, found: Option<&Deployment>) -> Roll {
    let (wanted, origin) = wanted(spec, image);
    judge(wanted, origin, found.cloned().map(Workload::from).as_ref())
}

fn image(workload: &Deployment) -> Option<&str> {
    workload.spec.as_ref().and_then(build::image)
}

fn rolls_on(workload: &Deployment) -> bool {
    is_rolling(&Workload::from(workload.clone()))
}

fn applied(roll: Roll) -> Deployment {
    match roll {
        Roll::Apply(workload) => workload,
        Roll::Wave(_) => panic!("it waits for a wave"),
    }
}

fn waits(roll: Roll) -> Deployment {
    match roll {
        Roll::Apply(_) => panic!("it is applied immediately"),
        Roll::Wave(workload) => workload,
    }
}

/// The workload as an operator with this image wrote it. All its pods are ready.
fn found(image: &str) -> Deployment {
    rolled_out(&applied(judged(&json!({}), image, None)))
}

/// The same, written by an operator that recorded no origin.
fn found_without_origin(image: &str) -> Deployment {
    let mut found = found(image);
    found.metadata.annotations = None;
    found
}

#[test]
fn another_server_image_waits_for_its_wave() {
    let workload = waits(judged(&json!({}), "s:2", Some(&found("s:1"))));
    assert_eq!(image(&workload), Some("s:2"));
    assert!(Origin::of(&workload).is_some_and(|origin| origin.wave));
}

#[test]
fn the_roll_of_a_workload_without_ready_pods_does_not_count_as_a_wave() {
    let mut broken = found("s:1");
    broken.status = None;
    let workload = waits(judged(&json!({}), "s:2", Some(&broken)));
    assert!(!Origin::of(&workload).is_some_and(|origin| origin.wave));
}

#[test]
fn a_new_version_gets_the_newest_image_immediately() {
    assert_eq!(image(&applied(judged(&json!({}), "s:2", None))), Some("s:2"));
}

#[test]
fn a_change_by_a_user_is_applied_immediately() {
    let workload = applied(judged(&json!({"nodeSelector": {"zone": "a"}}), "s:1", Some(&found("s:1"))));
    let pod = workload.spec.and_then(|spec| spec.template.spec).expect("a pod");
    assert_eq!(pod.node_selector, Some([("zone".to_owned(), "a".to_owned())].into()));
}

#[test]
fn a_change_by_a_user_does_not_bring_an_image_that_waits_for_its_wave() {
    let workload = applied(judged(&json!({"nodeSelector": {"zone": "a"}}), "s:2", Some(&found("s:1"))));
    assert_eq!(image(&workload), Some("s:1"));
    let again = judged(&json!({"nodeSelector": {"zone": "a"}}), "s:2", Some(&rolled_out(&workload)));
    assert_eq!(image(&waits(again)), Some("s:2"), "the image still waits");
}

#[test]
fn a_change_of_replicas_alone_does_not_end_the_wait() {
    let workload = waits(judged(&json!({"replicas": 7}), "s:2", Some(&found("s:1"))));
    assert_eq!(workload.spec.and_then(|spec| spec.replicas), Some(7));
}

#[rstest]
#[case::of_the_newest_image("s:1")]
#[case::of_an_image_that_waits("s:2")]
fn an_edit_of_the_image_by_others_is_put_back_immediately(#[case] newest: &str) {
    let mut edited = found("s:1");
    build::set_image(edited.spec.as_mut().expect("a spec"), "theirs:1");
    assert_eq!(image(&applied(judged(&json!({}), newest, Some(&edited)))), Some("s:1"));
}

#[test]
fn what_is_as_it_should_be_is_not_written() {
    for found in [found("s:1"), found_without_origin("s:1")] {
        let workload = applied(judged(&json!({}), "s:1", Some(&found)));
        let value = |workload: &Deployment| serde_json::to_value(workload).expect("JSON");
        assert_eq!(difference(&value(&workload), &value(&found)), None);
    }
}

#[test]
fn a_workload_without_origin_waits_for_another_image_and_not_for_a_change_by_a_user() {
    let before = found_without_origin("s:1");
    waits(judged(&json!({}), "s:2", Some(&before)));
    applied(judged(&json!({"nodeSelector": {"zone": "a"}}), "s:1", Some(&before)));
}

/// A workload whose roll a wave has begun.
fn rolls() -> Deployment {
    let mut workload = rolled_out(&waits(judged(&json!({}), "s:2", Some(&found("s:1")))));
    let status = workload.status.get_or_insert_default();
    (status.replicas, status.updated_replicas) = (Some(3), Some(1));
    workload
}

#[test]
fn a_roll_is_finished_once_all_pods_are_new_and_were_ready() {
    let mut workload = rolls();
    assert!(rolls_on(&workload), "old pods are left");
    let status = workload.status.get_or_insert_default();
    (status.replicas, status.updated_replicas, status.ready_replicas) = (Some(2), Some(2), Some(1));
    assert!(rolls_on(&workload), "a new pod was never ready");
    let status = workload.status.get_or_insert_default();
    status.conditions = parse(json!([
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]));
    assert!(!rolls_on(&workload), "a pod that fails later has nothing to do with the roll");
    workload.metadata.generation = Some(2);
    assert!(rolls_on(&workload), "the status is about an older template");
}

#[test]
fn only_the_roll_of_a_wave_counts() {
    let mut workload = found("s:1");
    workload.status = None;
    assert!(!rolls_on(&workload));
}
