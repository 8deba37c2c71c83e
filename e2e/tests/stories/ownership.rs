//! The operator restores its own objects, and leaves the objects of others alone.

use std::fmt::Debug;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment, Stage,
    condition::{self, STALLED},
    names,
};
use understudy_e2e::{MODEL, Publication, Sample, Story, rows, with_temp_ns};

/// Much longer than a node needs to follow a Service.
const DEADLINE: std::time::Duration = std::time::Duration::from_mins(1);

/// Deletes an object and waits until the operator creates it again.
async fn is_recreated<K>(story: &Story, name: &str) -> Result<()>
where
    K: Clone + Debug + Send + DeserializeOwned + 'static,
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let uid = story.api::<K>().get(name).await?.uid();
    story.api::<K>().delete(name, &DeleteParams::background()).await?;
    story.await_object::<K>("created again", name, |o| o.uid() != uid).await?;
    Ok(())
}

/// Edits an object as if the guard were off, and waits until its spec, data and labels are the same as before.
async fn is_restored<K>(story: &Story, name: &str, edit: Value) -> Result<()>
where
    K: Clone + Debug + Send + Serialize + DeserializeOwned + 'static,
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let essence = |object: &K| {
        let value = serde_json::to_value(object).expect("an object of the API is JSON");
        (value["spec"].clone(), value["data"].clone(), value["metadata"]["labels"].clone())
    };
    let before = essence(&story.api::<K>().get(name).await?);
    let around = Api::<K>::namespaced(story.cluster().client_around_the_guard().await?, story.namespace());
    let edited = around.patch(name, &PatchParams::default(), &Patch::Strategic(&edit)).await?;
    ensure!(essence(&edited) != before, "the edit must change something: {edit}");
    story.await_object::<K>(&format!("restored after {edit}"), name, |o| essence(o) == before).await?;
    Ok(())
}

/// Waits until all pods of main are ready and answer a prediction. A Service that was edited and restored may lead elsewhere for
/// a moment: `EndpointSlices` and kube-proxy follow both changes one after the other.
async fn ensure_main_serves(story: &Story) -> Result<()> {
    let all = |d: &Deployment| {
        let status = d.status.clone().unwrap_or_default();
        status.observed_generation == d.metadata.generation
            && (status.ready_replicas, status.updated_replicas, status.replicas)
                == (Some(2), Some(2), Some(2))
    };
    story.await_object("all pods ready", &names::version_object(MODEL, "1.0.0"), all).await?;
    let mut caller = story.caller().await?;
    caller.await_version("1.0.0").await?;
    let expected = rows()?;
    let answered = tokio::time::timeout(DEADLINE, async {
        while story.predict(MODEL).await?.ensure_equals(&expected, "1.0.0").is_err() {}
        anyhow::Ok(())
    });
    answered.await.context("timed out: main answers again")?
}

/// Brings up main on two pods with recording, and a challenger.
async fn serve_and_challenge(story: &Story) -> Result<()> {
    story.serve_main(&json!({"replicas": 2, "recording": {}})).await?;
    story.stage(&Publication::of(Sample::V1_1_0)?).await?;
    story.challenge("1.1.0").await?;
    story.await_routing("1.0.0", Some("1.1.0")).await
}

#[tokio::test]
async fn every_deleted_object_of_a_model_is_created_again() -> Result<()> {
    with_temp_ns("deleted", async |story| {
        serve_and_challenge(&story).await?;
        let version = names::version_object(MODEL, "1.0.0");
        is_recreated::<Service>(&story, &names::challenger(MODEL)).await?;
        is_recreated::<Service>(&story, &names::peers(MODEL)).await?;
        is_recreated::<ConfigMap>(&story, &names::routing(MODEL)).await?;
        is_recreated::<PodDisruptionBudget>(&story, MODEL).await?;
        is_recreated::<Service>(&story, &version).await?;
        is_recreated::<Service>(&story, MODEL).await?;
        ensure_main_serves(&story).await?;
        is_recreated::<Deployment>(&story, &version).await?;
        ensure_main_serves(&story).await
    })
    .await
}

#[tokio::test]
async fn every_edited_object_of_a_model_is_restored() -> Result<()> {
    with_temp_ns("edited", async |story| {
        serve_and_challenge(&story).await?;
        let version = names::version_object(MODEL, "1.0.0");
        let elsewhere = json!({"spec": {"selector": {names::VERSION_LABEL: "9.9.9"}}});
        is_restored::<Service>(&story, MODEL, elsewhere.clone()).await?;
        is_restored::<Service>(&story, &version, elsewhere.clone()).await?;
        is_restored::<Service>(&story, &names::challenger(MODEL), elsewhere).await?;
        // An extra label in a selector excludes all pods.
        let fewer = json!({"spec": {"selector": {"app": "no-pod"}}});
        is_restored::<Service>(&story, MODEL, fewer.clone()).await?;
        is_restored::<Service>(&story, &names::peers(MODEL), fewer).await?;
        let unlabelled =
            json!({"metadata": {"labels": {names::MANAGED_BY.0: null, names::DEPLOYMENT_LABEL: null}}});
        is_restored::<Service>(&story, MODEL, unlabelled).await?;
        let routing = json!({"data": {"routing.json": r#"{"main":"9.9.9"}"#}});
        is_restored::<ConfigMap>(&story, &names::routing(MODEL), routing).await?;
        let budget = json!({"spec": {"maxUnavailable": 2}});
        is_restored::<PodDisruptionBudget>(&story, MODEL, budget).await?;
        is_restored::<Deployment>(&story, &version, json!({"spec": {"replicas": 0}})).await?;
        ensure_main_serves(&story).await?;
        // Another model file under the name of the approved version.
        let swapped = [
            format!("--deployment={MODEL}"),
            "--version=1.0.0".to_owned(),
            format!("--artifact={}", Sample::V1_1_0.uri()),
            format!("--sha256={}", Sample::V1_1_0.sha256()?),
            "--secret-dir=/etc/understudy/secret".to_owned(),
        ];
        let server = json!({"name": "server", "args": swapped});
        let caller = story.caller().await?;
        let edit = json!({"spec": {"template": {"spec": {"containers": [server]}}}});
        is_restored::<Deployment>(&story, &version, edit).await?;
        ensure_main_serves(&story).await?;
        caller.finish().await?.ensure_all_from(&["1.0.0"])
    })
    .await
}

#[tokio::test]
async fn a_foreign_service_with_the_same_name_is_left_alone_and_reported() -> Result<()> {
    with_temp_ns("foreign", async |story| {
        let theirs: Service = serde_json::from_value(json!({
            "metadata": {"name": MODEL},
            "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
        }))?;
        let theirs = story.api::<Service>().create(&PostParams::default(), &theirs).await?;
        story.deploy(&json!({})).await?;
        let name = story.stage_and_accept(&Publication::of(Sample::V1_0_0)?).await?;
        story.request_and_approve(&name, Stage::Production).await?;
        story
            .await_deployment("stalled by a name conflict", |md| {
                let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
                condition::find(conditions, STALLED).is_some_and(|c| {
                    c.reason == "NameConflict" && c.message.contains("is not Understudy's: it is left alone")
                })
            })
            .await?;
        story.await_event("ModelDeployment", MODEL, "NameConflict", "").await?;
        ensure!(
            story.describe("modeldeployment", MODEL).await?.contains("it is left alone"),
            "kubectl describe does not report the conflict"
        );
        let held = story.await_serving(&name).await?;
        assert_eq!(held.stage(), Stage::Staging);
        let kept = story.api::<Service>().get(MODEL).await?;
        assert_eq!(kept.metadata.resource_version, theirs.metadata.resource_version);
        let md: ModelDeployment = story.api().get(MODEL).await?;
        ensure!(md.main().is_none(), "a version that callers cannot reach must not be main");

        story.api::<Service>().delete(MODEL, &DeleteParams::default()).await?;
        story.await_stage(&name, Stage::Production).await?;
        let ours = story.await_object::<Service>("created", MODEL, |s| s.uid() != theirs.uid()).await?;
        ensure!(!ours.owner_references().is_empty(), "the new Service must be owned by the ModelDeployment");
        story
            .await_deployment("no longer stalled", |md| {
                md.status.as_ref().is_some_and(|s| condition::find(&s.conditions, STALLED).is_none())
            })
            .await?;
        let mut caller = story.caller().await.context("the Service has no address")?;
        caller.await_version("1.0.0").await?;
        story.predict(MODEL).await?.ensure_equals(&rows()?, "1.0.0")
    })
    .await
}
