//! The objects that people will find in their cluster, whole: `BLESS=1` writes what is expected anew.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{budget, main_service, routing, version_service, workload};
use crate::config::Config;

#[derive(Deserialize)]
struct Input {
    deployment: ModelDeployment,
    version: ModelVersion,
    main: Option<String>,
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
    let objects = json!({
        "workload": workload(md, &input.version, input.replicas, &config),
        "versionService": version_service(md, &input.version.spec.version),
        "mainService": main_service(md, main),
        "routing": routing(md, main),
        "budget": budget(md, main),
    });
    let found = serde_saphyr::to_string(&objects).expect("objects are YAML");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(dir.join("expected.yaml"), &found).expect("the expectation can be written");
    }
    assert_eq!(found, read("expected.yaml"), "{case}: if that is what it should be, run with BLESS=1");
}

#[test]
fn a_staged_version_beside_main_gets_its_pods_and_its_own_service_and_main_stays() {
    check("staging-and-main");
}

#[test]
fn a_model_on_a_volume_runs_where_the_deployment_says_and_one_pod_gets_no_budget() {
    check("pvc-and-placement");
}
