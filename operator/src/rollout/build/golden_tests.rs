//! The objects that people will find in their cluster, whole: `BLESS=1` writes what is expected anew.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{
    Answering, budget, challenger_service, config_map, main_service, peers_service, routing, version_service,
    workload,
};
use crate::{
    config::Config,
    fixtures::{deployment, version},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    deployment: ModelDeployment,
    version: ModelVersion,
    main: Option<String>,
    /// The object of `main`, where something depends on it.
    #[serde(default)]
    main_version: Option<ModelVersion>,
    /// Whether `version` was accepted as challenger.
    #[serde(default)]
    challenges: bool,
    replicas: i32,
}

fn check(case: &str) {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case);
    let read = |file: &str| std::fs::read_to_string(dir.join(file)).unwrap_or_default();
    let input: Input =
        serde_saphyr::from_str(&read("input.yaml")).expect("the input is a deployment and a version");
    let config: Config =
        serde_saphyr::from_str("{serverImage: 'understudy-server:1', imagePullSecrets: [{name: cluster}]}")
            .expect("a configuration");
    let (md, main) = (&input.deployment, input.main.as_deref());
    let challenger = input.challenges.then_some(&input.version);
    let routing = routing(md, main, input.main_version.as_ref(), challenger);
    let mut objects = json!({
        "workload": workload(md, &input.version, input.replicas, &config),
        "versionService": version_service(md, &input.version.spec.version),
        "mainService": main_service(md, main.map(|version| Answering { version, transition: "6f1c2b" })),
        "routing": config_map(md, &routing, None),
        "budget": budget(md, main),
    });
    if let Some(challenger) = challenger {
        objects["challengerService"] = json!(challenger_service(md, &challenger.spec.version));
    }
    if md.spec.recording.is_some() {
        objects["peersService"] = json!(peers_service(md));
    }
    let found = serde_saphyr::to_string(&objects).expect("objects are YAML");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(dir.join("expected.yaml"), &found).expect("the expectation can be written");
    }
    assert_eq!(found, read("expected.yaml"), "{case}: if that is what it should be, run with BLESS=1");
}

#[test]
fn a_staged_version_next_to_main_gets_its_pods_and_its_own_service_and_main_stays() {
    check("staging-and-main");
}

#[test]
fn a_model_on_a_volume_runs_where_the_deployment_says_and_one_pod_gets_no_budget() {
    check("pvc-and-placement");
}

#[test]
fn a_challenger_gets_a_service_and_the_routing_contains_challenger_recording_and_drift() {
    check("challenger-and-records");
}

#[test]
fn model_baseline_and_records_on_one_pvc_share_its_volume() {
    check("one-pvc");
}

#[test]
fn examples_add_their_secret_their_arguments_and_nothing_else() {
    check("examples");
}

#[test]
fn graphs_before_the_model_add_their_secrets_their_volumes_and_one_argument_and_threads_two_more() {
    check("preprocessing");
}

#[test]
fn an_image_that_runs_the_model_sees_the_model_file_and_none_of_the_credentials() {
    check("runtime");
}

#[test]
fn a_pull_secret_that_chart_and_deployment_name_is_listed_once() {
    let config: Config = serde_saphyr::from_str("{serverImage: s, imagePullSecrets: [{name: a}, {name: b}]}")
        .expect("a configuration");
    let md = deployment(json!({"spec": {"imagePullSecrets": [{"name": "b"}, {"name": "c"}]}}));
    let workload = workload(&md, &version("1.2.0", json!({})), 1, &config);
    let pod = workload.spec.and_then(|spec| spec.template.spec).expect("a pod");
    let names: Vec<_> = pod.image_pull_secrets.into_iter().flatten().map(|secret| secret.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn a_challenger_comes_changes_and_goes_without_a_restart_of_any_pod() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/challenger-and-records");
    let text = std::fs::read_to_string(dir.join("input.yaml")).expect("the case is there");
    let input: Input = serde_saphyr::from_str(&text).expect("the input is a deployment and a version");
    let config: Config = serde_saphyr::from_str("{serverImage: s}").expect("a configuration");
    let main = input.main_version.expect("the case has a main");
    let template = |challenger: serde_json::Value| {
        let mut md = input.deployment.clone();
        md.spec.challenger = serde_json::from_value(challenger).expect("a challenger, or none");
        [&main, &input.version].map(|version| workload(&md, version, 1, &config))
    };
    let none = template(json!(null));
    assert_eq!(none, template(json!({"version": "1.3.0"})));
    let changed = json!({"version": "1.4.0", "samplePercent": 1, "timeout": "9s", "replicas": 7});
    assert_eq!(none, template(changed));
}
