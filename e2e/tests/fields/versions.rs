//! The spec of a `ModelVersion`. It cannot change, so each variant is a version of its own.

use futures::{StreamExt, stream};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion, conformance::schema, names};

use crate::{
    base,
    cluster::{Cluster, object, operated},
    path,
    variants::{self, Variant},
    verdict,
};

/// Versions that are published at the same time.
const CONCURRENCY: usize = 8;

#[tokio::test]
async fn each_field_of_a_version_gets_pods_or_is_refused_with_a_reason() {
    operated(sweep).await;
}

async fn sweep(cluster: &Cluster) {
    let mut variants = variants::of(&schema::<ModelVersion>("spec"), &base::version());
    // The other fields have been tried already.
    let with_runtime = variants::of(&schema::<ModelVersion>("spec"), &base::version_with_runtime());
    variants.extend(with_runtime.into_iter().filter(|variant| path::top(&variant.pointer) == "runtime"));
    let accepted = verdict::accepted::<ModelVersion>(cluster, variants.clone()).await;
    verdict::changeable(&variants, &accepted);
    let published = stream::iter(verdict::different(accepted).into_iter().enumerate());
    let published = published.map(|(index, variant)| publish(cluster, index, variant));
    published.buffer_unordered(CONCURRENCY).collect::<Vec<()>>().await;
}

/// Publishes the variant in a deployment of its own, and deletes it.
async fn publish(cluster: &Cluster, index: usize, variant: Variant) {
    let name = format!("variant-{index}");
    let mut spec = variant.spec;
    // A request for Staging needs a name, and is not the subject here.
    spec["stage"] = json!("None");
    if variant.pointer != "/deployment" {
        spec["deployment"] = json!(name);
    }
    let text = |field: &str| spec[field].as_str().expect("a required text").to_owned();
    let (deployment, version) = (text("deployment"), text("version"));
    let create = PostParams::default();
    let md = object::<ModelDeployment>(&deployment, &json!({}));
    cluster.raw::<ModelDeployment>().create(&create, &md).await.expect("a deployment of this name can exist");
    let mv = object::<ModelVersion>(&name, &spec);
    cluster.raw::<ModelVersion>().create(&create, &mv).await.expect("it was accepted before");
    cluster.stage(&name).await;
    let workload = names::version_object(&deployment, &version);
    let what = format!("{} {}: it has a Deployment", variant.pointer, variant.what);
    cluster.wait_for::<Deployment>(&what, &workload, |found| found.is_some()).await;
    cluster.api::<ModelVersion>().delete(&name, &DeleteParams::default()).await.expect("it is deleted");
    let what = format!("{} {}: its Deployment is deleted", variant.pointer, variant.what);
    cluster.wait_for::<Deployment>(&what, &workload, |found| found.is_none()).await;
}

#[tokio::test]
async fn no_field_of_a_version_but_its_stage_can_change() {
    for base in [base::version(), base::version_with_runtime()] {
        no_field_can_change(&base).await;
    }
}

async fn no_field_can_change(base: &Value) {
    let cluster = Cluster::with_namespace().await;
    let versions = cluster.raw::<ModelVersion>();
    let stored = versions.create(&PostParams::default(), &object::<ModelVersion>("fraud", base)).await;
    let stored = stored.expect("the base is accepted");
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    let variants = variants::of(&schema::<ModelVersion>("spec"), base);
    let variants = variants.into_iter().filter(|v| v.pointer != "/stage");
    let answers: Vec<_> = stream::iter(variants)
        .map(async |variant| {
            let mut changed = stored.clone();
            // The operator may write the status meanwhile.
            changed.metadata.resource_version = None;
            changed.data = json!({"spec": variant.spec, "status": stored.data["status"]});
            let answer = replace(&cluster, &dry_run, &changed).await;
            (variant, answer)
        })
        .buffered(CONCURRENCY)
        .collect()
        .await;
    let mut flaws = vec![];
    for (variant, answer) in answers {
        let (field, top) = (path::field(&variant.pointer), path::top(&variant.pointer));
        let flaw = match answer {
            Ok(after) if after == stored.data["spec"] => None,
            Ok(_) => Some("is accepted".to_owned()),
            Err(message) if message.contains(field) || message.contains(&format!("{top} is immutable")) => {
                None
            }
            Err(message) => Some(format!("is refused without an explanation: {message}")),
        };
        flaws.extend(flaw.map(|flaw| format!("{} {} {flaw}", variant.pointer, variant.what)));
    }
    assert!(flaws.is_empty(), "{}:\n{}", flaws.len(), flaws.join("\n"));
}

/// Tries to replace the version. Returns the spec that would be stored, or the message of the refusal.
async fn replace(
    cluster: &Cluster,
    params: &PostParams,
    changed: &kube::api::DynamicObject,
) -> Result<Value, String> {
    let api = cluster.raw::<ModelVersion>();
    loop {
        let present = api.get("fraud").await.expect("the version exists");
        let mut changed = changed.clone();
        changed.metadata.resource_version = present.metadata.resource_version;
        match api.replace("fraud", params, &changed).await {
            Ok(after) => return Ok(after.data["spec"].clone()),
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(kube::Error::Api(status)) => return Err(status.message),
            Err(error) => panic!("the API server does not answer: {error}"),
        }
    }
}
