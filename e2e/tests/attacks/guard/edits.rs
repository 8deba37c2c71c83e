//! A27 and A28: what the operator owns is changed.

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{NOT_YOURS, VERSION, api, edit, essence, owned, pod, replica_set, run, slice, world};
use crate::{
    people::{CAROL, CONTROL_PLANE, OPERATOR, PIPELINE, ROOT},
    world::refused,
};

#[tokio::test]
async fn a27_nobody_takes_owner_and_labels_away_from_what_the_operator_owns() {
    let w = world().await;
    let ours = ["app.kubernetes.io/managed-by", "understudy.dev/deployment", "understudy.dev/version"];
    let unlabelled: Value = ours.iter().map(|label| ((*label).to_owned(), Value::Null)).collect();
    for object in owned() {
        let before = essence(&w, &object).await;
        for person in [CAROL, ROOT] {
            for change in [
                json!({"metadata": {"ownerReferences": null}}),
                json!({"metadata": {"labels": unlabelled}}),
                json!({"metadata": {"ownerReferences": null, "labels": null}}),
                json!({"metadata": {"labels": {"understudy.dev/deployment": "other"}}}),
                json!({"metadata": {"finalizers": ["example.com/keep"]}}),
                json!({"metadata": {"annotations": {"understudy.dev/template": "{}"}}}),
            ] {
                refused(edit(&w, person, &object, None, &change).await, 403, NOT_YOURS);
            }
        }
        assert_eq!(essence(&w, &object).await, before);
    }
}

#[tokio::test]
async fn a27_callers_cannot_be_diverted_by_the_selector_of_the_stable_service() {
    let w = world().await;
    let service = &owned()[1];
    let diverted = json!({"metadata": {"ownerReferences": null}, "spec": {"selector": {"app": "mine"}}});
    for person in [CAROL, ROOT] {
        refused(edit(&w, person, service, None, &diverted).await, 403, NOT_YOURS);
        let services: Api<DynamicObject> = api(&w, person, "v1", "Service");
        let mut whole = services.get("fraud").await.unwrap();
        whole.metadata.labels = None;
        whole.data["spec"]["selector"] = json!({"app": "mine"});
        refused(services.replace("fraud", &PostParams::default(), &whole).await, 403, NOT_YOURS);
        let mut applied = service.clone();
        applied["spec"]["selector"] = json!({"app": "mine"});
        let force = PatchParams::apply("understudy-operator").force();
        refused(services.patch("fraud", &force, &Patch::Apply(&applied)).await, 403, NOT_YOURS);
    }
}

#[tokio::test]
async fn a28_nothing_is_added_to_what_the_operator_owns() {
    let w = world().await;
    let [deployment, service, routing, budget] = owned();
    let container = |fields: Value| {
        let mut server = json!({"name": "server"});
        for (key, value) in fields.as_object().unwrap() {
            server[key] = value.clone();
        }
        json!({"spec": {"template": {"spec": {"containers": [server]}}}})
    };
    let pods = |fields: Value| json!({"spec": {"template": {"spec": fields}}});
    let changes = [
        (&deployment, container(json!({"env": [{"name": "HTTP_PROXY", "value": "http://mine"}]}))),
        (&deployment, container(json!({"command": ["/bin/sh"]}))),
        (&deployment, container(json!({"image": "mine:1"}))),
        (&deployment, pods(json!({"initContainers": [{"name": "a", "image": "mine:1"}]}))),
        (&deployment, pods(json!({"volumes": [{"name": "a", "secret": {"secretName": "theirs"}}]}))),
        (&deployment, pods(json!({"hostNetwork": true}))),
        (&deployment, pods(json!({"serviceAccountName": "strong"}))),
        (&deployment, json!({"spec": {"replicas": 0}})),
        (&deployment, json!({"spec": {"paused": true}})),
        (&deployment, json!({"spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}})),
        (&service, json!({"spec": {"type": "NodePort"}})),
        (&service, json!({"spec": {"externalIPs": ["192.0.2.1"]}})),
        (&service, json!({"spec": {"type": "ExternalName", "externalName": "mine.example.com"}})),
        (&service, json!({"metadata": {"annotations": {"service.cilium.io/global": "true"}}})),
        (&routing, json!({"data": {"routing.json": r#"{"main":"9.9.9"}"#}})),
        (&routing, json!({"data": {"more": "x"}})),
        (&budget, json!({"spec": {"maxUnavailable": 0}})),
    ];
    for (object, change) in changes {
        for person in [CAROL, ROOT] {
            refused(edit(&w, person, object, None, &change).await, 403, NOT_YOURS);
        }
    }
    w.allow_everything(PIPELINE).await;
    refused(edit(&w, PIPELINE, &service, None, &json!({"spec": {"type": "NodePort"}})).await, 403, NOT_YOURS);
    let zero = json!({"spec": {"replicas": 0}});
    for person in [CAROL, ROOT, CONTROL_PLANE.autoscaler] {
        w.allow_everything(person).await;
        refused(edit(&w, person, &deployment, Some("scale"), &zero).await, 403, NOT_YOURS);
    }
    edit(&w, OPERATOR, &deployment, None, &zero).await.unwrap();
}

#[tokio::test]
async fn a28_a_pod_of_the_operator_gets_no_other_image_label_address_or_ephemeral_container() {
    let w = world().await;
    run(&w).await;
    let changes = [
        (None, json!({"spec": {"containers": [{"name": "server", "image": "mine:1"}]}})),
        (None, json!({"metadata": {"labels": {"pod-template-hash": "mine"}}})),
        (None, json!({"metadata": {"labels": null}})),
        (None, json!({"metadata": {"ownerReferences": null}})),
        (None, json!({"metadata": {"annotations": {"understudy.dev/routing": "mine"}}})),
        (Some("status"), json!({"status": {"podIP": "192.0.2.1", "podIPs": [{"ip": "192.0.2.1"}]}})),
        (Some("status"), json!({"metadata": {"labels": {"understudy.dev/version": "9.9.9"}}})),
        (
            Some("ephemeralcontainers"),
            json!({"spec": {"ephemeralContainers": [{"name": "debug", "image": "mine:1"}]}}),
        ),
    ];
    for person in [CAROL, ROOT] {
        for (subresource, change) in &changes {
            refused(edit(&w, person, &pod(), *subresource, change).await, 403, NOT_YOURS);
        }
    }
}

#[tokio::test]
async fn a28_what_kubernetes_made_for_the_operator_is_not_changed_either() {
    let w = world().await;
    run(&w).await;
    let mine = slice("fraud-x2x", &super::labels(), "10.0.0.1");
    super::create(&w, CONTROL_PLANE.endpoint_slices, mine.clone()).await.unwrap();
    for person in [CAROL, ROOT] {
        let image =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "server", "image": "mine:1"}]}}}});
        refused(edit(&w, person, &replica_set(), None, &image).await, 403, NOT_YOURS);
        let zero = json!({"spec": {"replicas": 0}});
        refused(edit(&w, person, &replica_set(), Some("scale"), &zero).await, 403, NOT_YOURS);
        let diverted = json!({"endpoints": [{"addresses": ["192.0.2.1"]}]});
        let slices: Api<DynamicObject> = api(&w, person, "discovery.k8s.io/v1", "EndpointSlice");
        let merged = slices.patch("fraud-x2x", &PatchParams::default(), &Patch::Merge(&diverted)).await;
        refused(merged, 403, NOT_YOURS);
    }
}

#[tokio::test]
async fn a_refusal_says_who_may_and_what_to_do() {
    let w = world().await;
    let change = json!({"spec": {"replicas": 3}});
    let error = edit(&w, CAROL, &owned()[0], None, &change).await.expect_err("a refusal").to_string();
    for words in [
        &format!("carol may not change the Deployment {VERSION}"),
        "Change the ModelDeployment instead",
        "add the name to guard.writers of the chart",
    ] {
        assert!(error.contains(words), "{error}");
    }
}
