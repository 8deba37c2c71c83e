//! A21, A22: who may change the rules of approval, and who may roll back.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, limits};

use crate::{
    people::{ALICE, BOB, CAROL, OPERATOR, Person},
    world::{World, refused},
};

async fn deployment(w: &World) -> ModelDeployment {
    let manifest = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"},
        "spec": {"replicas": 2, "approval": {"expiresAfter": "24h", "gates": [{"metric": "auc", "min": 0.95}]}},
    });
    let manifest = serde_json::from_value(manifest).unwrap();
    w.deployments(ALICE).create(&PostParams::default(), &manifest).await.unwrap()
}

async fn edit(w: &World, person: Person, change: Value) -> kube::Result<ModelDeployment> {
    w.deployments(person).patch("fraud", &PatchParams::default(), &Patch::Merge(change)).await
}

fn roll_back(to: &str, name: &str) -> Value {
    json!({"metadata": {"annotations": {"understudy.dev/rollback": to, "understudy.dev/rollback-by": name}}})
}

#[tokio::test]
async fn a22_a_requester_cannot_loosen_the_rules_of_approval() {
    let w = World::new().await;
    deployment(&w).await;
    for change in [
        json!({"gates": null}),
        json!({"gates": [{"metric": "auc", "min": 0.5}]}),
        json!({"expiresAfter": "9999h"}),
        json!({"acceptanceTest": "Optional"}),
    ] {
        let words = "alice may not change spec.approval, spec.access or spec.recording \
                     (needs the verb govern on modeldeployments)";
        refused(edit(&w, ALICE, json!({"spec": {"approval": change}})).await, 403, words);
    }
    refused(edit(&w, ALICE, json!({"spec": {"approval": null}})).await, 403, "needs the verb govern");
}

#[tokio::test]
async fn a22_a_requester_can_change_every_other_field_of_the_deployment() {
    let w = World::new().await;
    deployment(&w).await;
    edit(&w, ALICE, json!({"spec": {"replicas": 3, "description": "fraud score"}})).await.unwrap();
}

#[tokio::test]
async fn a22_a_governor_can_change_the_rules_but_not_below_the_clusters_minimum() {
    let w = World::new().await;
    deployment(&w).await;
    w.bind("understudy-governor", CAROL).await;
    edit(&w, CAROL, json!({"spec": {"approval": {"expiresAfter": "48h"}}})).await.unwrap();
    let words = "this cluster requires the acceptance test";
    refused(edit(&w, CAROL, json!({"spec": {"approval": {"acceptanceTest": "Optional"}}})).await, 403, words);
}

#[tokio::test]
async fn a22_a_new_deployment_cannot_go_below_the_clusters_minimum() {
    let w = World::new().await;
    let manifest = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"},
        "spec": {"approval": {"acceptanceTest": "Optional"}},
    });
    let manifest = serde_json::from_value(manifest).unwrap();
    let made = w.deployments(ALICE).create(&PostParams::default(), &manifest).await;
    refused(made, 403, "this cluster requires the acceptance test");
}

#[tokio::test]
async fn a21_a_rollback_requires_the_verb_and_ones_own_name() {
    let w = World::new().await;
    deployment(&w).await;
    w.allow(CAROL, &[(&["get", "patch"], &["modeldeployments"], &[])]).await;
    let words = "carol may not roll back (needs the verb rollback on modeldeployments)";
    refused(edit(&w, CAROL, roll_back("1.2.0#a", "carol")).await, 403, words);
    refused(edit(&w, BOB, roll_back("1.2.0#a", "alice")).await, 403, "understudy.dev/rollback-by: bob");
    let unsigned = json!({"metadata": {"annotations": {"understudy.dev/rollback": "1.2.0#a"}}});
    refused(edit(&w, BOB, unsigned).await, 403, "understudy.dev/rollback-by: bob");
    edit(&w, BOB, roll_back("1.2.0#a", "bob")).await.unwrap();
    edit(&w, ALICE, json!({"spec": {"replicas": 4}})).await.unwrap();
}

#[tokio::test]
async fn a_rollback_that_the_record_cannot_hold_is_refused_where_it_is_written() {
    let w = World::new().await;
    deployment(&w).await;
    let to = |count: usize| format!("1.2.0#{}", "é".repeat(count - "1.2.0#".len()));
    let words = "understudy.dev/rollback has 257 characters, at most 256 are allowed";
    refused(edit(&w, BOB, roll_back(&to(limits::ROLLBACK + 1), "bob")).await, 422, words);
    edit(&w, BOB, roll_back(&to(limits::ROLLBACK), "bob")).await.unwrap();
}

#[tokio::test]
async fn a11_the_operators_account_cannot_roll_back() {
    let w = World::new().await;
    deployment(&w).await;
    w.bind("understudy-approver", OPERATOR).await;
    let words = "nor rolls back";
    refused(edit(&w, OPERATOR, roll_back("1.2.0#a", OPERATOR.name)).await, 403, words);
}

#[tokio::test]
async fn an_autoscaler_that_may_only_scale_sets_the_number_of_pods_and_finds_those_of_main() {
    let w = World::new().await;
    deployment(&w).await;
    let selector = "understudy.dev/deployment=fraud,understudy.dev/version=1.3.0";
    let status = Patch::Merge(json!({"status": {"selector": selector}}));
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &status).await.unwrap();
    w.allow(CAROL, &[(&["get", "update", "patch"], &["modeldeployments/scale"], &[])]).await;

    let replicas = Patch::Merge(json!({"spec": {"replicas": 7}}));
    let scale = w.deployments(CAROL).patch_scale("fraud", &PatchParams::default(), &replicas).await.unwrap();
    assert_eq!(scale.status.and_then(|status| status.selector).as_deref(), Some(selector));
    assert_eq!(w.deployments(ALICE).get("fraud").await.unwrap().spec.replicas, 7);
    let beyond = Patch::Merge(json!({"spec": {"replicas": 5000}}));
    refused(w.deployments(CAROL).patch_scale("fraud", &PatchParams::default(), &beyond).await, 422, "1000");
}
