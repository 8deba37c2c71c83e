//! A23, A29, A34, A36: what people with ordinary roles in the namespace could do to a deployment.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    people::{ALICE, BOB, CAROL, OPERATOR, Person, ROOT},
    world::{MODEL, World, approve, entry, granted, refused, version},
};

async fn create(w: &World, person: Person, spec: Value) -> kube::Result<ModelDeployment> {
    let manifest = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment", "metadata": {"name": "fraud"}, "spec": spec,
    });
    let manifest: ModelDeployment = serde_json::from_value(manifest).unwrap();
    w.deployments(person).create(&PostParams::default(), &manifest).await
}

async fn edit(w: &World, person: Person, change: Value) -> kube::Result<ModelDeployment> {
    w.deployments(person).patch("fraud", &PatchParams::default(), &Patch::Merge(change)).await
}

#[tokio::test]
async fn a23_a_version_that_rolls_out_cannot_be_deleted() {
    let w = World::new().await;
    let pending = w.pending().await;
    w.annotate(BOB, approve("6f1c2b", "bob")).await.unwrap();
    let generation = pending.metadata.generation.unwrap();
    let rolls_out = json!({
        "transition": granted("6f1c2b", generation, "bob"), "history": [entry("6f1c2b", "alice", "Approved", "bob")],
    });
    w.record(rolls_out).await.unwrap();
    let words = "fraud-1.3.0 is approved for Production and rolls out: withdraw the request first";
    refused(w.versions(ALICE).delete(MODEL, &DeleteParams::default()).await, 403, words);
    w.bind("understudy-governor", CAROL).await;
    w.versions(CAROL).delete(MODEL, &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn a29_a_requester_cannot_send_the_records_elsewhere_nor_record_more_of_them() {
    let w = World::new().await;
    w.right_on(ALICE, "secrets", "s3", "use").await;
    w.right_on(ALICE, "secrets", "mine", "use").await;
    let sink = json!({"uri": "s3://records/fraud", "secretRef": {"name": "s3"}});
    let recording = json!({"sink": sink, "redact": ["income"], "samplePercent": 10});
    create(&w, ALICE, json!({"recording": recording})).await.unwrap();
    for change in [
        json!({"sink": {"uri": "s3://elsewhere/fraud"}}),
        json!({"sink": {"secretRef": {"name": "mine"}}}),
        json!({"sink": null}),
        json!({"redact": []}),
        json!({"samplePercent": 100}),
        json!({"retention": "1m"}),
        Value::Null,
    ] {
        let words = "alice may not change spec.approval, spec.access or spec.recording";
        refused(edit(&w, ALICE, json!({"spec": {"recording": change}})).await, 403, words);
    }
    w.bind("understudy-governor", CAROL).await;
    edit(&w, CAROL, json!({"spec": {"recording": {"redact": ["income", "age"]}}})).await.unwrap();
}

#[tokio::test]
async fn a34_a_pending_rollback_is_taken_back_by_its_author_or_by_somebody_who_may_roll_back() {
    let gone = json!({"metadata": {"annotations": {"understudy.dev/rollback": null, "understudy.dev/rollback-by": null}}});
    let asked = json!({"metadata": {"annotations": {
        "understudy.dev/rollback": "1.2.0#a", "understudy.dev/rollback-by": "bob", "understudy.dev/reason": "complaints",
    }}});
    let status = |result: &str| {
        Patch::Merge(json!({"status": {"rollback": {
            "request": "1.2.0#a", "by": "bob", "at": "2026-11-21T10:00:00Z", "result": result, "message": "waits",
        }}}))
    };
    let w = World::new().await;
    w.bind("understudy-requester", CAROL).await;
    create(&w, ALICE, json!({})).await.unwrap();
    edit(&w, BOB, asked.clone()).await.unwrap();
    let words = "carol may not take back the rollback of bob";
    refused(edit(&w, CAROL, gone.clone()).await, 403, words);
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &status("Pending")).await.unwrap();
    refused(edit(&w, CAROL, gone.clone()).await, 403, words);
    let silenced = json!({"metadata": {"annotations": {"understudy.dev/reason": null}}});
    refused(edit(&w, CAROL, silenced).await, 403, words);
    edit(&w, BOB, gone.clone()).await.unwrap();
    edit(&w, BOB, asked).await.unwrap();
    w.deployments(OPERATOR).patch_status("fraud", &PatchParams::default(), &status("Done")).await.unwrap();
    edit(&w, CAROL, gone).await.unwrap();
}

/// A version whose file needs credentials or a claim, and so does another file of it, for example its baseline.
fn with_files(artifact: Value, baseline: Value) -> ModelVersion {
    with_file(&[("artifact", artifact), ("baseline", baseline)])
}

fn with_file(parts: &[(&str, Value)]) -> ModelVersion {
    let mut manifest = serde_json::to_value(version(MODEL, &json!({}))).unwrap();
    for (part, change) in parts {
        for (key, value) in change.as_object().unwrap() {
            manifest["spec"][part][key] = value.clone();
        }
    }
    serde_json::from_value(manifest).unwrap()
}

/// A version with these graphs before its model.
fn with_graphs(graphs: &[Value]) -> ModelVersion {
    let mut manifest = serde_json::to_value(version(MODEL, &json!({}))).unwrap();
    manifest["spec"]["preprocessing"] = json!(graphs);
    serde_json::from_value(manifest).unwrap()
}

/// The API server limits what all checks of a write may cost together.
#[tokio::test]
async fn a_version_whose_files_all_have_secrets_and_claims_of_their_own_is_accepted() {
    let w = World::new().await;
    let mut names = Vec::new();
    let mut file = |name: &str| {
        names.push(name.to_owned());
        json!({"uri": format!("pvc://{name}/f"), "sha256": "0".repeat(64), "secretRef": {"name": name}})
    };
    let mut manifest = serde_json::to_value(version(MODEL, &json!({}))).unwrap();
    for part in ["artifact", "baseline", "examples"] {
        manifest["spec"][part] = file(part);
    }
    manifest["spec"]["preprocessing"] = ["one", "two", "three", "four"].map(&mut file).into();
    let manifest = serde_json::from_value(manifest).unwrap();
    // The verb that is asked last.
    for name in names {
        w.right_on(ALICE, "secrets", &name, "use").await;
        w.right_on(ALICE, "persistentvolumeclaims", &name, "use").await;
    }
    w.versions(ALICE).create(&PostParams::default(), &manifest).await.unwrap();
}

#[tokio::test]
async fn a36_a_version_names_only_secrets_and_claims_that_its_author_may_get_or_use() {
    let baseline = |more: Value| {
        let mut baseline = json!({"uri": "https://models.example/b.json", "sha256": "0".repeat(64)});
        baseline.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        baseline
    };
    let secret = |name: &str| json!({"secretRef": {"name": name}});
    let claim = |uri: &str| json!({"uri": uri});
    let cases = [
        ("secrets", "s3", with_files(secret("s3"), json!({})), "spec.artifact.secretRef"),
        ("secrets", "b", with_files(json!({}), baseline(secret("b"))), "spec.baseline.secretRef"),
        ("persistentvolumeclaims", "c", with_files(claim("pvc://c/m.onnx"), json!({})), "spec.artifact.uri"),
        (
            "persistentvolumeclaims",
            "d",
            with_files(json!({}), baseline(claim("pvc://d/b.json"))),
            "spec.baseline.uri",
        ),
        ("secrets", "e", with_file(&[("examples", baseline(secret("e")))]), "spec.examples.secretRef"),
        (
            "persistentvolumeclaims",
            "f",
            with_file(&[("examples", baseline(claim("pvc://f/e.jsonl")))]),
            "spec.examples.uri",
        ),
        (
            "secrets",
            "g",
            with_graphs(&[baseline(json!({})), baseline(secret("g"))]),
            "spec.preprocessing[1].secretRef",
        ),
        (
            "persistentvolumeclaims",
            "h",
            with_graphs(&[baseline(claim("pvc://h/g.onnx"))]),
            "spec.preprocessing[0].uri",
        ),
    ];
    for verb in ["get", "use"] {
        for (resource, name, manifest, field) in &cases {
            let w = World::new().await;
            let words = format!(
                "alice may not use {name}, which {field} names (needs the verb get or use on {resource}/{name})"
            );
            refused(w.versions(ALICE).create(&PostParams::default(), manifest).await, 403, &words);
            w.right_on(ALICE, resource, &format!("{name}-other"), verb).await;
            refused(w.versions(ALICE).create(&PostParams::default(), manifest).await, 403, &words);
            w.right_on(ALICE, resource, name, verb).await;
            w.versions(ALICE).create(&PostParams::default(), manifest).await.unwrap();
            // The right is asked once: other writes of the version do not need it.
            w.bind("understudy-requester", CAROL).await;
            let label = json!({"metadata": {"labels": {"team": "risk"}}});
            w.edit(CAROL, label).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a36_a_deployment_names_only_a_sink_whose_secret_or_claim_its_author_may_get_or_use() {
    let w = World::new().await;
    let to = |sink: Value| json!({"recording": {"sink": sink}});
    let bucket = to(json!({"uri": "s3://records/fraud", "secretRef": {"name": "s3"}}));
    let words = "alice may not use s3, which spec.recording.sink.secretRef names";
    refused(create(&w, ALICE, bucket.clone()).await, 403, words);
    let claim = to(json!({"uri": "pvc://records/fraud"}));
    let words = "alice may not use records, which spec.recording.sink.uri names";
    refused(create(&w, ALICE, claim.clone()).await, 403, words);
    create(&w, ROOT, bucket).await.unwrap();
    // What is there already needs no right.
    edit(&w, ALICE, json!({"spec": {"replicas": 3}})).await.unwrap();
    w.bind("understudy-governor", CAROL).await;
    refused(edit(&w, CAROL, json!({"spec": claim})).await, 403, "carol may not use records");
    w.right_on(CAROL, "persistentvolumeclaims", "records", "use").await;
    edit(
        &w,
        CAROL,
        json!({"spec": {"recording": {"sink": {"uri": "pvc://records/fraud", "secretRef": null}}}}),
    )
    .await
    .unwrap();
}
