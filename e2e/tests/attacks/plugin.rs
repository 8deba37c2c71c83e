//! What the kubectl plugin writes passes the policy, also where a person has another name than their account, and the
//! plugin explains what the policy refuses.

use std::process::Output;

use kube::ResourceExt;
use serde_json::{Value, json};
use understudy_crds::annotations::{APPROVED_BY, REASON, ROLLBACK_BY};
use understudy_e2e::plugin;

use crate::{
    people::{BOB, Person, TESS},
    world::{MODEL, World},
};

/// Bob's second account. `approval.identityExpression` of these tests maps it to bob.
const BOB_ADMIN: Person = Person { name: "bob-admin", ..BOB };

/// Runs the plugin as this person.
async fn run(w: &World, person: Person, arguments: &[&str]) -> Output {
    let kubeconfig = std::env::var_os("BARE_KUBECONFIG").expect("these tests have an API server");
    tokio::process::Command::new(plugin::binary().unwrap())
        .env("KUBECONFIG", kubeconfig)
        .args(["-n", &w.ns, "--as", person.name, "--yes"])
        .args(arguments)
        .output()
        .await
        .unwrap()
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn the_plugin_approves_in_the_name_that_the_policy_demands_and_without_the_comment_of_the_request() {
    let w = World::new().await;
    w.in_stage("Staging").await;
    w.commented_request("6f1c2b").await;
    w.bind("understudy-approver", BOB_ADMIN).await;
    let approved = done(&run(&w, BOB_ADMIN, &["approve", MODEL, "-o", "json"]).await);
    assert_eq!(approved["by"], "bob");
    let version = w.versions(BOB).get(MODEL).await.unwrap();
    let annotations = version.annotations();
    assert_eq!(
        (annotations.get(APPROVED_BY).map(String::as_str), annotations.get(REASON)),
        (Some("bob"), None)
    );
}

#[tokio::test]
async fn the_plugin_rejects_and_accepts_and_withdraws_in_the_name_that_the_policy_demands() {
    let w = World::new().await;
    w.pending().await;
    for role in ["requester", "approver", "tester"] {
        w.bind(&format!("understudy-{role}"), BOB_ADMIN).await;
    }
    for act in [
        &["accept", MODEL, "passed", "-o", "json"][..],
        &["reject", MODEL, "--reason", "recall fell", "-o", "json"],
        &["withdraw", MODEL, "--reason", "the wrong month", "-o", "json"],
    ] {
        assert_eq!(done(&run(&w, BOB_ADMIN, act).await)["by"], "bob", "{act:?}");
    }
}

#[tokio::test]
async fn the_plugin_rolls_back_in_the_name_that_the_policy_demands() {
    let w = World::new().await;
    let deployment = json!({"apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {"name": "fraud"}, "spec": {}});
    let deployment = serde_json::from_value(deployment).unwrap();
    w.deployments(BOB).create(&kube::api::PostParams::default(), &deployment).await.unwrap();
    w.bind("understudy-approver", BOB_ADMIN).await;
    let rollback = ["rollback", "fraud", "1.2.0", "--reason", "complaints", "-o", "json"];
    assert_eq!(done(&run(&w, BOB_ADMIN, &rollback).await)["by"], "bob");
    let after = w.deployments(BOB).get("fraud").await.unwrap();
    assert_eq!(after.annotations()[ROLLBACK_BY], "bob");
    assert_eq!(after.annotations()[REASON], "complaints");
}

#[tokio::test]
async fn the_plugin_says_how_to_give_the_comment_that_a_cluster_requires() {
    let w = World::strict().await;
    w.in_stage("Staging").await;
    w.commented_request("6f1c2b").await;
    let why = refused(&run(&w, BOB, &["approve", MODEL]).await);
    assert!(
        why.contains("refused: this cluster requires a comment") && why.contains("add --reason"),
        "{why}"
    );
    let again = refused(&run(&w, BOB, &["approve", MODEL, "--reason", "retrained on October"]).await);
    assert!(again.contains("an earlier act has this comment already"), "{again}");
    done(&run(&w, BOB, &["approve", MODEL, "--reason", "recall is back", "-o", "json"]).await);
}

#[tokio::test]
async fn the_plugin_shows_the_message_of_the_policy_and_the_role_that_is_missing() {
    let w = World::new().await;
    w.pending().await;
    let why = refused(&run(&w, TESS, &["approve", MODEL]).await);
    assert!(why.contains("refused: tess may not decide on the stage Production\n"), "{why}");
    assert!(why.contains("--clusterrole=understudy-approver --user=tess"), "{why}");
}
