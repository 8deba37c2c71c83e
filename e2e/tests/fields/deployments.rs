//! The spec of a `ModelDeployment`.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
};
use kube::{
    ResourceExt,
    api::{ListParams, PostParams},
};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, ModelVersion,
    condition::{self, STALLED},
    conformance::schema,
    names,
};

use crate::{
    base,
    cluster::{Cluster, object, operated},
    path,
    variants::{self, Variant},
    verdict,
};

/// Deployments that are changed at the same time.
const LANES: usize = 6;
const VERSION: &str = "1.2.3";

#[tokio::test]
async fn each_field_of_a_deployment_converges_and_comes_back_or_is_refused_with_a_reason() {
    operated(sweep).await;
}

async fn sweep(cluster: &Cluster) {
    let base = base::deployment();
    let variants = variants::of(&schema::<ModelDeployment>("spec"), &base);
    let accepted = verdict::accepted::<ModelDeployment>(cluster, variants.clone()).await;
    verdict::changeable(&variants, &accepted);
    let mut lanes: Vec<Vec<Variant>> = vec![vec![]; LANES];
    for (index, variant) in verdict::different(accepted).into_iter().enumerate() {
        lanes[index % LANES].push(variant);
    }
    let lanes = stream::iter(lanes.into_iter().enumerate());
    let flaws: Vec<_> =
        lanes.map(|(index, variants)| lane(cluster, index, variants)).buffer_unordered(LANES).concat().await;
    assert!(flaws.is_empty(), "{}:\n{}", flaws.len(), flaws.join("\n"));
}

/// Applies each variant to one deployment with a version in Staging, and takes it back.
async fn lane(cluster: &Cluster, index: usize, variants: Vec<Variant>) -> Vec<String> {
    let name = format!("lane-{index}");
    let base = base::deployment();
    let create = PostParams::default();
    let md = object::<ModelDeployment>(&name, &base);
    cluster.raw::<ModelDeployment>().create(&create, &md).await.expect("the base is accepted");
    let mut version = base::version();
    version["deployment"] = json!(name);
    version["version"] = json!(VERSION);
    let version = object::<ModelVersion>(&name, &version);
    cluster.raw::<ModelVersion>().create(&create, &version).await.expect("the base is accepted");
    cluster.stage(&name).await;
    let workload = names::version_object(&name, VERSION);
    cluster.wait_for::<Deployment>("the version has a Deployment", &workload, |found| found.is_some()).await;
    // A whole pass over another generation: the first one may still be writing.
    replace(cluster, &name, &path::with(&base, "/description", json!("another"))).await;
    cluster.settled(&name).await;
    replace(cluster, &name, &base).await;
    let sound = cluster.settled(&name).await;
    assert_eq!(stalled(&sound), None, "the base converges");
    let before = owned(cluster, &name).await;
    let mut flaws = vec![];
    for variant in variants {
        replace(cluster, &name, &variant.spec).await;
        let flaw = stalled(&cluster.settled(&name).await);
        flaws.extend(flaw.map(|flaw| format!("{} {}: {flaw}", variant.pointer, variant.what)));
        replace(cluster, &name, &base).await;
        let back = cluster.settled(&name).await;
        let after = owned(cluster, &name).await;
        let flaw = stalled(&back).or_else(|| difference(&before, &after));
        flaws.extend(flaw.map(|flaw| format!("{} {}, taken back: {flaw}", variant.pointer, variant.what)));
    }
    flaws
}

/// Replaces the spec. The operator may write the status meanwhile.
async fn replace(cluster: &Cluster, name: &str, spec: &Value) {
    let api = cluster.raw::<ModelDeployment>();
    loop {
        let mut md = api.get(name).await.expect("the deployment exists");
        md.data["spec"].clone_from(spec);
        match api.replace(name, &PostParams::default(), &md).await {
            Ok(_) => return,
            Err(kube::Error::Api(status)) if status.is_conflict() => {}
            Err(error) => panic!("{spec} was accepted before: {error}"),
        }
    }
}

/// Why the operator cannot proceed.
fn stalled(md: &ModelDeployment) -> Option<String> {
    let conditions = md.status.as_ref().map_or(&[][..], |status| &status.conditions);
    condition::find(conditions, STALLED).map(|stalled| format!("{}: {}", stalled.reason, stalled.message))
}

fn difference(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Option<String> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let name = names.into_iter().find(|name| before.get(*name) != after.get(*name))?;
    let shown = |of: &BTreeMap<String, Value>| of.get(name).map_or("nothing".to_owned(), Value::to_string);
    Some(format!("{name} was {}, and is {}", shown(before), shown(after)))
}

/// What the operator made, without what the API server adds.
async fn owned(cluster: &Cluster, deployment: &str) -> BTreeMap<String, Value> {
    let of = ListParams::default().labels(&format!("{}={deployment}", names::DEPLOYMENT_LABEL));
    let deployments = cluster.api::<Deployment>().list(&of).await.expect("a list");
    let services = cluster.api::<Service>().list(&of).await.expect("a list");
    let maps = cluster.api::<ConfigMap>().list(&of).await.expect("a list");
    let deployments = deployments.iter().map(|o| (format!("Deployment {}", o.name_any()), json!(o.spec)));
    let services = services.iter().map(|o| (format!("Service {}", o.name_any()), json!(o.spec)));
    let maps = maps.iter().map(|o| (format!("ConfigMap {}", o.name_any()), json!(o.data)));
    deployments.chain(services).chain(maps).collect()
}
