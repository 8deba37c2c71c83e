//! Who may write what the operator owns. A guard that stops Kubernetes itself would be worse than none.

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{NOT_YOURS, VERSION, api, create, edit, labels, owned, pod, replica_set, run, slice, world};
use crate::{
    people::{CAROL, CONTROL_PLANE, GARBAGE_COLLECTOR, MESH, NETWORK, NODE, OPERATOR, ROOT, SCHEDULER},
    world::refused,
};

#[tokio::test]
async fn a_rollout_of_kubernetes_works_from_the_deployment_to_the_status_of_its_pods() {
    let w = world().await;
    run(&w).await;
    for account in [
        CONTROL_PLANE.deployments,
        CONTROL_PLANE.replica_sets,
        CONTROL_PLANE.endpoint_slices,
        CONTROL_PLANE.endpoints,
        CONTROL_PLANE.disruption,
        CONTROL_PLANE.nodes,
        GARBAGE_COLLECTOR,
        SCHEDULER,
        NODE,
    ] {
        w.allow_everything(account).await;
    }
    let [deployment, ..] = owned();
    // The Deployment controller.
    let revision = json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": "1"}}});
    edit(&w, CONTROL_PLANE.deployments, &deployment, None, &revision).await.unwrap();
    edit(&w, CONTROL_PLANE.deployments, &deployment, Some("status"), &json!({"status": {"replicas": 1}}))
        .await
        .unwrap();
    edit(&w, CONTROL_PLANE.deployments, &replica_set(), None, &json!({"spec": {"replicas": 2}}))
        .await
        .unwrap();
    edit(&w, CONTROL_PLANE.replica_sets, &replica_set(), Some("status"), &json!({"status": {"replicas": 1}}))
        .await
        .unwrap();
    // The scheduler.
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "fraud-v1-2-0-5f6-x2x"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"},
    });
    let pods = api(&w, SCHEDULER, "v1", "Pod");
    let bind = PostParams::default();
    pods.create_subresource::<_, Value>("binding", "fraud-v1-2-0-5f6-x2x", &bind, &binding).await.unwrap();
    let scheduled = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}});
    edit(&w, SCHEDULER, &pod(), Some("status"), &scheduled).await.unwrap();
    // The kubelet.
    let running =
        json!({"status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}});
    edit(&w, NODE, &pod(), Some("status"), &running).await.unwrap();
    // The operator notifies the pod.
    let notified = json!({"metadata": {"annotations": {"understudy.dev/routing": "0a1b"}}});
    edit(&w, OPERATOR, &pod(), None, &notified).await.unwrap();
    // The controllers of Services and budgets.
    let mine = slice("fraud-x2x", &labels(), "10.0.0.1");
    create(&w, CONTROL_PLANE.endpoint_slices, mine.clone()).await.unwrap();
    let slices = api(&w, CONTROL_PLANE.endpoint_slices, "discovery.k8s.io/v1", "EndpointSlice");
    let moved = json!({"endpoints": [{"addresses": ["10.0.0.2"]}]});
    slices.patch("fraud-x2x", &PatchParams::default(), &Patch::Merge(&moved)).await.unwrap();
    let endpoints =
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "fraud", "labels": labels()}});
    create(&w, CONTROL_PLANE.endpoints, endpoints).await.unwrap();
    let budget = &owned()[3];
    edit(&w, CONTROL_PLANE.disruption, budget, Some("status"), &json!({"status": {"currentHealthy": 1}}))
        .await
        .unwrap();
    // The garbage collector lets go of what another owner has left, and node controllers mark pods.
    edit(&w, GARBAGE_COLLECTOR, &replica_set(), None, &json!({"metadata": {"ownerReferences": null}}))
        .await
        .unwrap();
    let lost = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    edit(&w, CONTROL_PLANE.nodes, &pod(), Some("status"), &lost).await.unwrap();
}

#[tokio::test]
async fn a_control_plane_with_one_account_for_all_controllers_works_as_well() {
    let w = world().await;
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    create(&w, ROOT, account).await.unwrap();
    w.allow_everything(CONTROL_PLANE.all).await;
    create(&w, CONTROL_PLANE.all, replica_set()).await.unwrap();
    create(&w, CONTROL_PLANE.all, pod()).await.unwrap();
    create(&w, CONTROL_PLANE.all, slice("fraud-1", &labels(), "10.0.0.1")).await.unwrap();
    edit(&w, CONTROL_PLANE.all, &replica_set(), None, &json!({"spec": {"replicas": 2}})).await.unwrap();
    let zero = json!({"spec": {"replicas": 0}});
    refused(edit(&w, CONTROL_PLANE.all, &owned()[0], Some("scale"), &zero).await, 403, NOT_YOURS);
}

#[tokio::test]
async fn network_plugins_and_meshes_annotate_pods_with_accounts_of_their_own() {
    let w = world().await;
    run(&w).await;
    w.allow_everything(NETWORK).await;
    let address = json!({"metadata": {"annotations": {"cni.projectcalico.org/podIP": "10.0.0.1/32"}}});
    edit(&w, NETWORK, &pod(), Some("status"), &address).await.unwrap();
    let removed = json!({"metadata": {"annotations": {"cni.projectcalico.org/podIP": null}}});
    edit(&w, NETWORK, &pod(), None, &removed).await.unwrap();
}

#[tokio::test]
async fn everybody_who_has_the_right_deletes_and_evicts() {
    let w = world().await;
    run(&w).await;
    let pods = Api::<Pod>::namespaced(w.client(CAROL), &w.ns);
    pods.evict("fraud-v1-2-0-5f6-x2x", &EvictParams::default()).await.unwrap();
    for object in owned() {
        let api = api(&w, CAROL, object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
        api.delete(object["metadata"]["name"].as_str().unwrap(), &DeleteParams::default()).await.unwrap();
    }
    let sets = api(&w, CAROL, "apps/v1", "ReplicaSet");
    sets.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
}

#[tokio::test]
async fn a_writer_that_the_chart_lists_may_write_everything() {
    let w = world().await;
    run(&w).await;
    w.allow_everything(MESH).await;
    let [deployment, service, ..] = owned();
    edit(&w, MESH, &deployment, None, &json!({"spec": {"replicas": 3}})).await.unwrap();
    edit(&w, MESH, &deployment, Some("scale"), &json!({"spec": {"replicas": 4}})).await.unwrap();
    edit(&w, MESH, &service, None, &json!({"spec": {"type": "NodePort"}})).await.unwrap();
    let debug = json!({"spec": {"ephemeralContainers": [{"name": "debug", "image": "tools:1"}]}});
    edit(&w, MESH, &pod(), Some("ephemeralcontainers"), &debug).await.unwrap();
    api(&w, MESH, "v1", "Service").delete("fraud", &DeleteParams::default()).await.unwrap();
    let mut own = service.clone();
    own["metadata"] = json!({"name": "fraud"});
    create(&w, MESH, own).await.unwrap();
}

#[tokio::test]
async fn an_autoscaler_scales_the_model_and_not_the_deployment_of_a_version() {
    let w = world().await;
    let three = json!({"spec": {"replicas": 3}});
    w.allow_everything(CONTROL_PLANE.autoscaler).await;
    let models = w.deployments(CONTROL_PLANE.autoscaler);
    models.patch_scale("fraud", &PatchParams::default(), &Patch::Merge(&three)).await.unwrap();
    let refusal = edit(&w, CONTROL_PLANE.autoscaler, &owned()[0], Some("scale"), &three).await;
    refused(refusal, 403, &format!("may not change the Scale {VERSION}"));
}
