//! A38: only the operator writes what made a version main onto the Service that callers follow. The operator takes this
//! annotation, together with the selector, as proof that it has checked the pods and switched callers.

use k8s_openapi::api::core::v1::Service;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    people::{CAROL, OPERATOR, Person, ROOT},
    world::{World, refused},
};

const NOT_THE_OPERATOR: &str =
    "only the operator writes the annotation understudy.dev/transition of a Service";

/// A namespace in which Carol and the operator may edit Services.
async fn world() -> World {
    let w = World::new().await;
    w.bind("system:aggregate-to-view", CAROL).await;
    w.bind("system:aggregate-to-edit", CAROL).await;
    w.bind("understudy-operator", OPERATOR).await;
    w
}

fn services(w: &World, person: Person) -> Api<Service> {
    Api::namespaced(w.client(person), &w.ns)
}

/// The Service of `fraud`, which selects this version by this transition.
fn service(version: &str, transition: Option<&str>) -> Value {
    let annotations = transition.map(|transition| json!({"understudy.dev/transition": transition}));
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "fraud", "annotations": annotations},
        "spec": {"selector": {"understudy.dev/version": version}, "ports": [{"port": 80}]},
    })
}

async fn create(w: &World, person: Person, service: Value) -> kube::Result<Service> {
    let service = serde_json::from_value(service).unwrap();
    services(w, person).create(&PostParams::default(), &service).await
}

async fn edit(w: &World, person: Person, change: Value) -> kube::Result<Service> {
    services(w, person).patch("fraud", &PatchParams::default(), &Patch::Merge(change)).await
}

#[tokio::test]
async fn a38_an_editor_of_the_namespace_cannot_forge_that_callers_were_switched() {
    let w = world().await;
    create(&w, OPERATOR, service("1.2.0", Some("aaaaaa"))).await.unwrap();
    for person in [CAROL, ROOT] {
        refused(edit(&w, person, service("1.3.0", Some("6f1c2b"))).await, 403, NOT_THE_OPERATOR);
        let annotation = json!({"metadata": {"annotations": {"understudy.dev/transition": "6f1c2b"}}});
        refused(edit(&w, person, annotation).await, 403, NOT_THE_OPERATOR);
        let apply = PatchParams::apply("understudy-operator").force();
        let forged = Patch::Apply(service("1.3.0", Some("6f1c2b")));
        refused(services(&w, person).patch("fraud", &apply, &forged).await, 403, NOT_THE_OPERATOR);
        let mut whole = services(&w, person).get("fraud").await.unwrap();
        whole.metadata.annotations =
            Some([("understudy.dev/transition".to_owned(), "6f1c2b".to_owned())].into());
        let replaced = services(&w, person).replace("fraud", &PostParams::default(), &whole).await;
        refused(replaced, 403, NOT_THE_OPERATOR);
    }
    edit(&w, OPERATOR, service("1.3.0", Some("6f1c2b"))).await.unwrap();
}

#[tokio::test]
async fn a38_an_editor_of_the_namespace_cannot_create_a_service_with_a_forged_switch() {
    let w = world().await;
    refused(create(&w, CAROL, service("1.3.0", Some("6f1c2b"))).await, 403, NOT_THE_OPERATOR);
    create(&w, CAROL, service("1.2.0", None)).await.unwrap();
    refused(edit(&w, CAROL, service("1.3.0", Some("6f1c2b"))).await, 403, NOT_THE_OPERATOR);
}

/// The operator puts back what others change, so nothing else of a Service needs a rule.
#[tokio::test]
async fn every_other_write_of_a_service_is_left_to_the_rights_of_the_person() {
    let w = world().await;
    create(&w, OPERATOR, service("1.2.0", Some("aaaaaa"))).await.unwrap();
    edit(&w, CAROL, service("1.3.0", Some("aaaaaa"))).await.unwrap();
    edit(&w, CAROL, json!({"metadata": {"annotations": {"team": "risk"}}})).await.unwrap();
    edit(&w, CAROL, json!({"metadata": {"annotations": {"understudy.dev/transition": null}}})).await.unwrap();
    services(&w, CAROL).delete("fraud", &kube::api::DeleteParams::default()).await.unwrap();
}
