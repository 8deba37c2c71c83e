//! Objects that were stored before a rule of the CRDs existed. `e2e/cluster/fields` creates them in the namespace
//! `stored` while the rules are away, and then installs the CRDs as they are.

use kube::api::{Patch, PatchParams};
use serde_json::json;
use understudy_crds::{
    ModelDeployment, ModelVersion,
    condition::{self, READY},
};

use crate::cluster::Cluster;

const NAMESPACE: &str = "stored";

#[tokio::test]
async fn a_version_whose_name_of_a_deployment_is_older_than_the_rule_gets_a_status() {
    Cluster::of(NAMESPACE).await.operated(gets_a_status).await;
}

async fn gets_a_status(cluster: &Cluster) {
    let seen = |mv: Option<&ModelVersion>| {
        let status = mv.and_then(|mv| mv.status.as_ref());
        status.is_some_and(|s| {
            condition::find(&s.conditions, READY).is_some_and(|c| c.reason == "DeploymentNotFound")
        })
    };
    cluster.wait_for("the operator writes its status", "accents", seen).await;
}

#[tokio::test]
async fn a_deployment_whose_fields_are_older_than_the_rules_gets_a_status_and_can_be_mended() {
    Cluster::of(NAMESPACE).await.operated(can_be_mended).await;
}

async fn can_be_mended(cluster: &Cluster) {
    cluster.settled("older").await;
    let mended =
        Patch::Merge(json!({"spec": {"replicas": 2, "nodeSelector": null, "priorityClassName": null}}));
    let api = cluster.api::<ModelDeployment>();
    api.patch("older", &PatchParams::default(), &mended).await.expect("it can be mended");
    cluster.settled("older").await;
}

#[tokio::test]
async fn the_rules_hold_for_new_objects() {
    let cluster = Cluster::of(NAMESPACE).await;
    let spec = json!({"nodeSelector": {"größe": "groß"}});
    let made = cluster.would_create::<ModelDeployment>("new", &spec).await;
    let message = made.expect_err("a refusal").to_string();
    assert!(message.contains("a key of nodeSelector must be a label's key"), "{message}");
}
