//! A35: objects of others with the operator's labels.

use serde_json::{Value, json};

use super::{NOT_YOURS, create, edit, labels, owned, owner, pod, run, slice, template, world};
use crate::{
    people::{CAROL, CONTROL_PLANE, NODE, OPERATOR, ROOT},
    world::refused,
};

/// An object of this kind and name with the operator's labels.
fn labelled(api_version: &str, kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind, "metadata": {"name": "mine", "labels": labels()}, "spec": spec,
    })
}

#[tokio::test]
async fn a35_nobody_creates_an_object_with_the_labels_of_the_operator() {
    let w = world().await;
    run(&w).await;
    let own = json!({"app": "mine"});
    let pods = json!({"selector": {"matchLabels": own}, "template": template(&own)});
    let mut routing = labelled("v1", "ConfigMap", &Value::Null);
    routing["data"] = json!({"routing.json": "{}"});
    let endpoints = labelled("v1", "Endpoints", &Value::Null);
    let mut alone = pod();
    alone["metadata"] = json!({"name": "mine", "labels": labels()});
    let objects = [
        alone,
        routing,
        endpoints,
        labelled("v1", "Service", &json!({"selector": own, "ports": [{"port": 80}]})),
        labelled("apps/v1", "Deployment", &pods),
        labelled("apps/v1", "ReplicaSet", &pods),
        labelled("policy/v1", "PodDisruptionBudget", &json!({"maxUnavailable": 0})),
        slice("mine", &labels(), "192.0.2.1"),
    ];
    for object in objects {
        for person in [CAROL, ROOT] {
            refused(create(&w, person, object.clone()).await, 403, NOT_YOURS);
        }
    }
}

#[tokio::test]
async fn a35_an_object_that_exists_does_not_get_the_labels_later() {
    let w = world().await;
    run(&w).await;
    let own = json!({"app": "mine"});
    let mut mine = pod();
    mine["metadata"] = json!({"name": "mine", "labels": own});
    let workload = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "mine", "labels": own},
        "spec": {"selector": {"matchLabels": own}, "template": template(&own)},
    });
    let joined = json!({"metadata": {"labels": labels()}});
    for object in [&mine, &workload] {
        create(&w, CAROL, object.clone()).await.unwrap();
        refused(edit(&w, CAROL, object, None, &joined).await, 403, NOT_YOURS);
    }
    refused(edit(&w, CAROL, &mine, Some("status"), &joined).await, 403, NOT_YOURS);
    let template = json!({"spec": {"template": {"metadata": {"labels": labels()}}}});
    refused(edit(&w, CAROL, &workload, None, &template).await, 403, NOT_YOURS);
}

/// The controllers of Kubernetes create pods for everybody who may create a workload.
#[tokio::test]
async fn a35_no_workload_of_somebody_else_makes_pods_with_the_labels() {
    let w = world().await;
    run(&w).await;
    let workload = |kind: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "mine"},
            "spec": {"selector": {"matchLabels": labels()}, "template": template(&labels())},
        })
    };
    for person in [CAROL, ROOT] {
        refused(create(&w, person, workload("Deployment")).await, 403, NOT_YOURS);
        refused(create(&w, person, workload("ReplicaSet")).await, 403, NOT_YOURS);
    }
    let made_for = |api_version: &str, kind: &str| {
        let mut made = pod();
        made["metadata"]["name"] = json!("mine-0");
        made["metadata"]["ownerReferences"] = owner(api_version, kind, "mine");
        made
    };
    let controllers = [
        (CONTROL_PLANE.stateful_sets, "apps/v1", "StatefulSet"),
        (CONTROL_PLANE.daemon_sets, "apps/v1", "DaemonSet"),
        (CONTROL_PLANE.jobs, "batch/v1", "Job"),
        (CONTROL_PLANE.replication_controllers, "v1", "ReplicationController"),
        (CONTROL_PLANE.all, "apps/v1", "StatefulSet"),
        (CONTROL_PLANE.all, "v1", "ReplicationController"),
    ];
    for (controller, api_version, kind) in controllers {
        w.allow_everything(controller).await;
        refused(create(&w, controller, made_for(api_version, kind)).await, 403, NOT_YOURS);
    }
    w.allow_everything(NODE).await;
    refused(create(&w, NODE, made_for("v1", "Node")).await, 403, NOT_YOURS);
}

#[tokio::test]
async fn a35_a_model_without_the_labels_is_nobodys_business() {
    let w = world().await;
    let own = json!({"app": "mine"});
    let mut mine = owned();
    for object in &mut mine {
        object["metadata"] = json!({"name": "mine", "labels": own});
        if object["kind"] != "ConfigMap" {
            object["spec"]["selector"] =
                if object["kind"] == "Service" { own.clone() } else { json!({"matchLabels": own}) };
        }
    }
    mine[0]["spec"]["template"] = template(&own);
    for object in &mine {
        create(&w, CAROL, object.clone()).await.unwrap();
        edit(&w, CAROL, object, None, &json!({"metadata": {"labels": {"a": "b"}}})).await.unwrap();
    }
    edit(&w, CAROL, &mine[0], Some("scale"), &json!({"spec": {"replicas": 3}})).await.unwrap();
    // The operator's own rights are no way around either: it makes no Service that leads out of the cluster.
    let mut outside = owned()[1].clone();
    outside["metadata"]["name"] = json!("fraud-outside");
    outside["spec"] = json!({"type": "ExternalName", "externalName": "example.com"});
    refused(create(&w, OPERATOR, outside).await, 403, "is of type ClusterIP and has no external IPs");
}
