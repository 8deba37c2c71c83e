//! With the guard off, or around it: what the operator owns is put back, whatever others take from it or add to it.

use std::fmt::Debug;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, names};

use understudy_e2e::bare::{ALICE, Operator, World, eventually, in_a_world};

/// The Deployment and the Service of the version.
const VERSION: &str = "fraud-v1-0-0";

trait Owned:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + 'static
{
}
impl<K> Owned for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + 'static
{
}

/// `fraud` with main 1.0.0 on two pods, and every kind of object.
async fn serves(world: &World) -> Result<()> {
    world.deploy("fraud", &json!({"replicas": 2, "recording": {}})).await?;
    world.promote("fraud", "1.0.0").await?;
    recorded(world).await
}

/// Waits until the status names every object.
async fn recorded(world: &World) -> Result<()> {
    let all = |md: &ModelDeployment| {
        let status = serde_json::to_value(&md.status).unwrap_or_default();
        status["objects"].as_array().map_or(0, Vec::len) == 6
    };
    world.await_deployment("six objects in the status", "fraud", all).await.map(drop)
}

/// Everything of an object that the operator asks for. The API server may choose other addresses of a Service.
fn essence<K: Owned>(object: &K) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    for chosen in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        if let Some(spec) = value["spec"].as_object_mut().filter(|_| K::kind(&()) == "Service") {
            spec.remove(chosen);
        }
    }
    let metadata = &value["metadata"];
    json!([
        metadata["uid"],
        metadata["labels"],
        metadata["ownerReferences"],
        value["spec"],
        value["data"],
        value["binaryData"],
        value["immutable"],
    ])
}

/// Merges a change into an object as if the guard were off, and returns what the object was before.
async fn edited<K: Owned>(world: &World, name: &str, change: &Value) -> Result<Value> {
    let before = essence(&world.api::<K>().get(name).await?);
    let around = world.around_the_guard::<K>()?;
    let after = around.patch(name, &PatchParams::default(), &Patch::Merge(change)).await;
    let after = after.with_context(|| format!("the edit {change}"))?;
    ensure!(essence(&after) != before, "the edit must change something: {change}");
    Ok(before)
}

/// Waits until an object is as it was.
async fn is_restored<K: Owned>(world: &World, name: &str, before: &Value, change: &Value) -> Result<()> {
    let restored = |object: &K| essence(object) == *before;
    world.await_object(&format!("as before the edit {change}"), name, restored).await.map(drop)
}

async fn is_put_back<K: Owned>(world: &World, name: &str, change: Value) -> Result<()> {
    let before = edited::<K>(world, name, &change).await?;
    is_restored::<K>(world, name, &before, &change).await
}

/// Everything by which the operator knows an object as its own, apart from the uid.
fn disowned() -> Value {
    json!({"metadata": {"ownerReferences": null, "labels": null}})
}

/// The same, with a change of the spec or the data.
fn taken(change: &Value) -> Value {
    let mut taken = disowned();
    for (key, value) in change.as_object().into_iter().flatten() {
        taken[key] = value.clone();
    }
    taken
}

#[tokio::test]
async fn an_object_that_lost_its_owner_and_its_labels_is_taken_back() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        serves(world).await?;
        let owners = json!({"metadata": {"ownerReferences": null}});
        is_put_back::<Service>(world, "fraud", owners.clone()).await?;
        is_put_back::<Deployment>(world, VERSION, owners.clone()).await?;
        is_put_back::<ConfigMap>(world, "fraud-routing", owners.clone()).await?;
        is_put_back::<PodDisruptionBudget>(world, "fraud", owners).await?;
        let diverted = json!({"spec": {"selector": {"app": "mine", names::DEPLOYMENT_LABEL: null}}});
        is_put_back::<Service>(world, "fraud", taken(&diverted)).await?;
        is_put_back::<Service>(world, VERSION, taken(&diverted)).await?;
        is_put_back::<Service>(world, "fraud-peers", taken(&diverted)).await?;
        is_put_back::<Deployment>(world, VERSION, taken(&json!({"spec": {"replicas": 0}}))).await?;
        let routing = json!({"data": {"routing.json": r#"{"main":"9.9.9"}"#}});
        is_put_back::<ConfigMap>(world, "fraud-routing", taken(&routing)).await?;
        is_put_back::<PodDisruptionBudget>(world, "fraud", taken(&json!({"spec": {"maxUnavailable": 0}})))
            .await
    })
    .await
}

#[tokio::test]
async fn an_object_that_others_put_under_an_owner_of_theirs_is_taken_back() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        serves(world).await?;
        let theirs = json!([{
            "apiVersion": "apps/v1", "kind": "Deployment", "name": "theirs", "uid": "7d3c", "controller": true,
        }]);
        let change = json!({"metadata": {"ownerReferences": theirs}, "spec": {"selector": {"app": "theirs"}}});
        is_put_back::<Service>(world, "fraud", change).await
    })
    .await
}

#[tokio::test]
async fn an_object_that_lost_its_owner_while_no_operator_ran_is_taken_back() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        serves(world).await?;
        operator.terminate().await?;
        let diverted = taken(&json!({"spec": {"selector": {"app": "mine"}}}));
        let service = edited::<Service>(world, "fraud", &diverted).await?;
        let stopped = taken(&json!({"spec": {"replicas": 0}}));
        let workload = edited::<Deployment>(world, VERSION, &stopped).await?;

        let _operator = world.operator("second").lead().await?;
        is_restored::<Service>(world, "fraud", &service, &diverted).await?;
        is_restored::<Deployment>(world, VERSION, &workload, &stopped).await
    })
    .await
}

#[tokio::test]
async fn an_object_of_others_in_the_place_of_a_deleted_one_is_not_taken() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("first").lead().await?;
        serves(world).await?;
        operator.terminate().await?;
        world.api::<Service>().delete("fraud", &DeleteParams::default()).await?;
        let theirs: Service = serde_json::from_value(json!({
            "metadata": {"name": "fraud"}, "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
        }))?;
        let around = world.around_the_guard::<Service>()?;
        let theirs = around.create(&PostParams::default(), &theirs).await?;

        let _operator = world.operator("second").lead().await?;
        let reported = |md: &ModelDeployment| {
            md.status.iter().flat_map(|s| &s.conditions).any(|c| c.reason == "NameConflict")
        };
        world.await_deployment("a name conflict", "fraud", reported).await?;
        let kept = around.get("fraud").await?;
        ensure!(
            kept.metadata.resource_version == theirs.metadata.resource_version,
            "it was written: {kept:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_others_add_to_the_pods_of_a_version_is_removed() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("only").lead().await?;
        serves(world).await?;
        let pods = |fields: Value| json!({"spec": {"template": {"spec": fields}}});
        let server = server(world).await?;
        let with = |field: &str, value: Value| {
            let mut server = server.clone();
            server[field] = value;
            pods(json!({"containers": [server]}))
        };
        let mut volumes = world.api::<Deployment>().get(VERSION).await.map(|d| volumes(&d))?;
        volumes.push(json!({"name": "theirs", "secret": {"secretName": "theirs"}}));
        let sidecar = json!([server, {"name": "sidecar", "image": "theirs:1"}]);
        for change in [
            with("env", json!([{"name": "HTTPS_PROXY", "value": "http://theirs"}])),
            with("envFrom", json!([{"secretRef": {"name": "theirs"}}])),
            with("command", json!(["/bin/sh"])),
            with("lifecycle", json!({"postStart": {"exec": {"command": ["/bin/sh"]}}})),
            with("workingDir", json!("/tmp")),
            pods(json!({"containers": sidecar})),
            pods(json!({"initContainers": [{"name": "first", "image": "theirs:1"}]})),
            pods(json!({"volumes": volumes})),
            pods(json!({"hostNetwork": true})),
            pods(json!({"hostPID": true})),
            pods(json!({"shareProcessNamespace": true})),
            pods(json!({"serviceAccountName": "strong"})),
            pods(json!({"nodeName": "theirs"})),
            pods(json!({"nodeSelector": {"theirs": "true"}})),
            pods(json!({"hostAliases": [{"ip": "192.0.2.1", "hostnames": ["s3"]}]})),
            pods(json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.1"]}})),
            pods(json!({"runtimeClassName": "theirs"})),
            json!({"spec": {"template": {"metadata": {"labels": {"theirs": "true"}}}}}),
            json!({"spec": {"template": {"metadata": {"annotations": {"sidecar.istio.io/inject": "true"}}}}}),
            json!({"spec": {"paused": true}}),
            json!({"spec": {"minReadySeconds": 60}}),
            json!({"metadata": {"labels": {"theirs": "true"}}}),
        ] {
            is_put_back::<Deployment>(world, VERSION, change).await?;
        }
        is_at_rest(world, &operator).await
    })
    .await
}

#[tokio::test]
async fn what_others_add_to_a_service_the_routing_or_the_budget_is_removed() -> Result<()> {
    in_a_world(async |world| {
        let operator = world.operator("only").lead().await?;
        serves(world).await?;
        let http = json!({"name": "http", "port": 80, "protocol": "TCP", "targetPort": "main", "appProtocol": "http"});
        let more = json!({"name": "more", "port": 81, "targetPort": 81});
        for change in [
            json!({"spec": {"type": "NodePort"}}),
            json!({"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["192.0.2.0/24"]}}),
            json!({"spec": {"type": "ExternalName", "externalName": "theirs.example.com", "clusterIP": "", "clusterIPs": null}}),
            json!({"spec": {"externalIPs": ["192.0.2.1"]}}),
            json!({"spec": {"ports": [http, more]}}),
            json!({"spec": {"sessionAffinity": "ClientIP"}}),
            json!({"spec": {"publishNotReadyAddresses": true}}),
            json!({"spec": {"internalTrafficPolicy": "Local"}}),
            json!({"spec": {"selector": {"theirs": "true"}}}),
            json!({"metadata": {"labels": {"service.kubernetes.io/service-proxy-name": "theirs"}}}),
        ] {
            is_put_back::<Service>(world, "fraud", change).await?;
        }
        for change in [
            json!({"data": {"theirs": "x"}}),
            json!({"binaryData": {"theirs": "eA=="}}),
            json!({"data": {"routing.json": null}}),
        ] {
            is_put_back::<ConfigMap>(world, "fraud-routing", change).await?;
        }
        let eviction = json!({"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}});
        is_put_back::<PodDisruptionBudget>(world, "fraud", eviction).await?;
        is_at_rest(world, &operator).await
    })
    .await
}

/// The data of an immutable ConfigMap cannot be changed any more.
#[tokio::test]
async fn a_routing_that_others_froze_is_replaced() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        serves(world).await?;
        let frozen = json!({"data": {"routing.json": r#"{"main":"9.9.9"}"#}, "immutable": true});
        let before = edited::<ConfigMap>(world, "fraud-routing", &frozen).await?;
        let thawed = |map: &ConfigMap| map.immutable.is_none() && json!(map.data) == before[4];
        world.await_object("another routing", "fraud-routing", thawed).await?;
        recorded(world).await
    })
    .await
}

#[tokio::test]
async fn pods_are_notified_again_after_the_routing_was_repaired() -> Result<()> {
    in_a_world(async |world| {
        let _operator = world.operator("only").lead().await?;
        serves(world).await?;
        let told = |pod: &Pod| pod.annotations().get("understudy.dev/routing").cloned();
        let pods = world.owned::<Pod>().await?;
        ensure!(pods.iter().all(|pod| told(pod).is_some()), "the pods were never notified");
        // An editor writes the file and wakes a pod, whose kubelet reads it.
        let poked = pods.first().context("main has pods")?;
        let routing = json!({"data": {"routing.json": r#"{"main":"9.9.9"}"#}});
        let before = edited::<ConfigMap>(world, "fraud-routing", &routing).await?;
        let poke = json!({"metadata": {"annotations": {"theirs": "1"}}});
        let around = world.around_the_guard::<Pod>()?;
        around.patch(&poked.name_any(), &PatchParams::default(), &Patch::Merge(&poke)).await?;
        is_restored::<ConfigMap>(world, "fraud-routing", &before, &routing).await?;
        for pod in pods {
            let again = |now: &Pod| told(now) != told(&pod);
            world.await_object("notified again", &pod.name_any(), again).await?;
        }
        Ok(())
    })
    .await
}

/// The container of main's pods.
async fn server(world: &World) -> Result<Value> {
    let workload = serde_json::to_value(world.api::<Deployment>().get(VERSION).await?)?;
    Ok(workload["spec"]["template"]["spec"]["containers"][0].clone())
}

fn volumes(workload: &Deployment) -> Vec<Value> {
    let workload = serde_json::to_value(workload).unwrap_or_default();
    workload["spec"]["template"]["spec"]["volumes"].as_array().cloned().unwrap_or_default()
}

/// The operator works on the deployment once more, and writes none of its objects.
async fn is_at_rest(world: &World, operator: &Operator) -> Result<()> {
    let revisions = async || {
        let mut all = vec![];
        for object in world.owned::<Deployment>().await? {
            // The kubelet of these tests writes the status.
            all.push((object.name_any(), object.metadata.generation.map(|g| g.to_string())));
        }
        all.extend(world.owned::<Service>().await?.iter().map(|o| (o.name_any(), o.resource_version())));
        all.extend(world.owned::<ConfigMap>().await?.iter().map(|o| (o.name_any(), o.resource_version())));
        all.extend(
            world.owned::<PodDisruptionBudget>().await?.iter().map(|o| (o.name_any(), o.resource_version())),
        );
        anyhow::Ok(all)
    };
    let before = revisions().await?;
    let passes = super::restart::passes(operator, "modeldeployment").await?;
    for number in 0..5 {
        let description = json!({"spec": {"description": format!("scores payments, {number}")}});
        let edited: ModelDeployment = world.patch(ALICE, "fraud", &description).await?;
        let generation = edited.metadata.generation;
        let seen =
            |md: &ModelDeployment| md.status.as_ref().and_then(|s| s.observed_generation) == generation;
        world.await_deployment("a pass after the edit", "fraud", seen).await?;
    }
    eventually("five passes", async || {
        Ok((super::restart::passes(operator, "modeldeployment").await? >= passes + 5.0).then_some(()))
    })
    .await?;
    let after = revisions().await?;
    ensure!(before == after, "the operator writes at rest: {before:?} {after:?}");
    Ok(())
}
