//! The models that are recorded, each in a state in which an upgrade may meet one.

use anyhow::{Context, Result};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use understudy_crds::{ModelDeployment, ModelVersion, Stage, annotations, condition};

use super::state::{State, settled};
use crate::{
    bare::{ALICE, BOB, World, create_object},
    patches,
    store::digest,
};

/// The person who tests.
const TESS: &str = "tess";

/// The names of the models.
pub const MODELS: [&str; 4] = ["served", "requested", "waiting", "rolled-back"];

/// Brings a model into its state, with the operator of `OPERATOR_BINARY`, and returns what that left behind.
pub async fn left_behind(world: &World, model: &str) -> Result<State> {
    let operator = world.operator("recorded").lead().await?;
    match model {
        "served" => served(world).await?,
        "requested" => requested(world).await?,
        "waiting" => waiting(world).await?,
        "rolled-back" => rolled_back(world).await?,
        other => anyhow::bail!("{other} is not one of {MODELS:?}"),
    }
    let state = settled(world, &operator).await?;
    operator.terminate().await?;
    Ok(state)
}

/// A main, the main before it, whose pods are kept for an hour, a challenger, and a version that was rejected. The spec
/// has every field that changes the pods.
async fn served(world: &World) -> Result<()> {
    let sink = json!({"uri": "s3://predictions/fraud/", "secretRef": {"name": "s3"}});
    let spec = json!({
        "description": "Fraud score of card payments",
        "replicas": 2,
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "2Gi"}},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "models", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 60}],
        "imagePullSecrets": [{"name": "registry"}],
        "approval": {
            "acceptanceTest": "Required", "expiresAfter": "48h",
            "gates": [{"metric": "auc", "min": 0.9, "notWorseThanMain": true}],
        },
        "rollout": {"deadline": "15m"},
        "rollback": {"keepWarm": "1h"},
        "challenger": {"version": "1.2.0", "samplePercent": 50, "timeout": "500ms", "replicas": 2},
        "recording": {"samplePercent": 25, "sink": sink, "redact": ["card"], "retention": "720h", "rotateAfter": "2m"},
        "drift": {"window": "2h", "minSamples": 500, "psi": 0.3},
    });
    world.deploy("fraud", &spec).await?;
    for version in ["1.0.0", "1.1.0"] {
        let name = staged_with_evaluation(world, version).await?;
        accept(world, &name).await?;
        world.request_and_approve(&name, Stage::Production).await?;
        world.await_stage(&name, Stage::Production).await?;
    }
    staged_with_evaluation(world, "1.2.0").await?;
    let rejected = publish_with_evaluation(world, "1.3.0").await?;
    let request = world.open_request(&rejected, Stage::Staging).await?;
    let words = "recall fell on small payments";
    let annotations = json!({
        annotations::REJECT: request.id, annotations::REJECTED_BY: BOB, annotations::REASON: words,
    });
    world.patch::<ModelVersion>(BOB, &rejected, &patches::annotate(&annotations)).await?;
    world.await_version("rejected", &rejected, |version| version.transition().is_none()).await?;
    let copies = |md: &ModelDeployment| {
        let status = md.status.as_ref();
        status.is_some_and(|status| {
            status.challenger.as_ref().is_some_and(|c| c.ready_replicas == 2)
                && condition::is_true(&status.conditions, condition::CHALLENGER_READY)
        })
    };
    world.await_deployment("its challenger gets copies", "fraud", copies).await.map(drop)
}

/// A main, and an open request for Production.
async fn requested(world: &World) -> Result<()> {
    world.deploy("fraud", &json!({})).await?;
    world.promote("fraud", "1.0.0").await?;
    let next = world.stage("fraud", "1.1.0").await?;
    world.open_request(&next, Stage::Production).await.map(drop)
}

/// A main, and an approved version whose second pod is not ready.
async fn waiting(world: &World) -> Result<()> {
    world.deploy("fraud", &json!({"replicas": 2})).await?;
    world.promote("fraud", "1.0.0").await?;
    let next = world.stage("fraud", "1.1.0").await?;
    world.kubelet().breaks("1.1.0");
    world.request_and_approve(&next, Stage::Production).await?;
    let rolls = |md: &ModelDeployment| md.status.as_ref().is_some_and(|status| status.rollout.is_some());
    world.await_deployment("its main is about to change", "fraud", rolls).await.map(drop)
}

/// A main by a rollback, and a version in Staging.
async fn rolled_back(world: &World) -> Result<()> {
    world.deploy("fraud", &json!({"rollback": {"keepWarm": "1h"}})).await?;
    let first = world.promote("fraud", "1.0.0").await?;
    world.promote("fraud", "1.1.0").await?;
    world.roll_back("fraud", "1.0.0", "scores-fell").await?;
    world.await_main("fraud", "1.0.0").await?;
    world.await_stage(&first, Stage::Production).await?;
    world.stage("fraud", "1.2.0").await.map(drop)
}

/// Tess leaves the verdict that the version has passed. Waits until it is recorded.
pub async fn accept(world: &World, name: &str) -> Result<()> {
    let verdict = json!({
        annotations::ACCEPT: "passed", annotations::ACCEPTED_BY: TESS,
        annotations::FEEDBACK: "scores of last week's payments are plausible",
    });
    let patch = Patch::Merge(patches::annotate(&verdict));
    world.api_of::<ModelVersion>(TESS)?.patch(name, &PatchParams::default(), &patch).await?;
    let recorded = |version: &ModelVersion| version.status.as_ref().is_some_and(|s| s.acceptance.is_some());
    world.await_version("its verdict is recorded", name, recorded).await.map(drop)
}

async fn staged_with_evaluation(world: &World, version: &str) -> Result<String> {
    let name = publish_with_evaluation(world, version).await?;
    world.request_and_approve(&name, Stage::Staging).await?;
    world.await_stage(&name, Stage::Staging).await?;
    world.await_serving(&name).await?;
    Ok(name)
}

/// Alice publishes a version with every field of the spec.
async fn publish_with_evaluation(world: &World, version: &str) -> Result<String> {
    let address = |file: &str| format!("s3://models/fraud/{version}/{file}");
    let minor: f64 = version.split('.').nth(1).context("a semantic version")?.parse()?;
    let object = json!({
        "metadata": {"name": format!("fraud-{version}")},
        "spec": {
            "deployment": "fraud",
            "version": version,
            "artifact": {
                "uri": address("model.onnx"), "sha256": digest(version.as_bytes()), "secretRef": {"name": "s3"},
            },
            "documentation": {"markdown": "# Fraud", "url": "https://wiki.example.com/fraud"},
            "evaluation": {"dataset": "holdout", "metrics": [{"name": "auc", "value": 0.95 + minor / 100.0}]},
            "provenance": {"run": "run-17", "gitCommit": "0a1b2c3", "dataset": "payments"},
            "baseline": {"uri": address("baseline.json"), "sha256": digest(b"baseline")},
        },
    });
    create_object::<ModelVersion>(world.client_of(ALICE)?, world.namespace(), object).await?;
    Ok(format!("fraud-{version}"))
}
