//! A `ModelDeployment` or its whole namespace is deleted.

use std::fmt::Debug;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::{
    Api, Resource,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use understudy_crds::{Decision, ModelDeployment, ModelVersion, Stage, names};
use understudy_e2e::{MODEL, Person, Publication, Sample, Story, with_temp_ns};

use crate::reported::await_decision;

/// Names of the objects of this kind with the model's label.
async fn owned<K>(story: &Story) -> Result<Vec<String>>
where
    K: Clone + Debug + DeserializeOwned + Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let of = format!("{}={MODEL}", names::DEPLOYMENT_LABEL);
    let all = story.api::<K>().list(&ListParams::default().labels(&of)).await?;
    Ok(all.items.into_iter().filter_map(|o| o.meta().name.clone()).collect())
}

async fn await_all_gone<K>(story: &Story, names: &[String]) -> Result<()>
where
    K: Clone + Debug + Send + DeserializeOwned + 'static,
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    for name in names {
        story.await_gone::<K>(name).await?;
    }
    Ok(())
}

/// Creates a foreign object, and gives it our labels as if the guard were off.
async fn create_foreign_object(story: &Story) -> Result<ConfigMap> {
    let name = "notes";
    let foreign = ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    };
    story.api::<ConfigMap>().create(&PostParams::default(), &foreign).await?;
    let around =
        Api::<ConfigMap>::namespaced(story.cluster().client_around_the_guard().await?, story.namespace());
    let labels = Patch::Merge(json!({"metadata": {"labels": names::version_labels(MODEL, "0.9.0")}}));
    Ok(around.patch(name, &PatchParams::default(), &labels).await?)
}

#[tokio::test]
async fn deleting_a_model_deployment_removes_its_objects_and_keeps_the_history() -> Result<()> {
    with_temp_ns("deletion", async |story| {
        let main = story.serve_main(&json!({"replicas": 2, "recording": {}})).await?;
        let staged = story.stage(&Publication::of(Sample::V1_1_0)?).await?;
        story.challenge("1.1.0").await?;
        story.await_routing("1.0.0", Some("1.1.0")).await?;
        let requested = story.publish(&Publication::of(Sample::V1_1_0)?.version("1.2.0")).await?;
        let request = story.open_request(&requested, Stage::Staging).await?;
        let (workload, staged_workload) =
            (names::version_object(MODEL, "1.0.0"), names::version_object(MODEL, "1.1.0"));
        story.await_object::<Deployment>("created", &staged_workload, |_| true).await?;
        let foreign = create_foreign_object(&story).await?;
        let services = owned::<Service>(&story).await?;
        let other = [names::challenger(MODEL), names::peers(MODEL)];
        assert_eq!(services, [MODEL, &other[0], &other[1], &workload, &staged_workload]);
        let (workloads, pods) = (owned::<Deployment>(&story).await?, owned::<Pod>(&story).await?);
        assert_eq!(workloads, [workload, staged_workload]);

        let outcome =
            story.api_as::<ModelVersion>(Person::Alice).delete(&main, &DeleteParams::default()).await;
        let refusal = outcome
            .err()
            .context("the API server must refuse to delete a version in Production")?
            .to_string();
        ensure!(refusal.contains("Production"), "the message must name the stage: {refusal}");

        let outcome =
            story.api_as::<ModelDeployment>(Person::Alice).delete(MODEL, &DeleteParams::default()).await;
        let refusal = outcome
            .err()
            .context("the API server must refuse that a requester deletes a deployment with a main")?
            .to_string();
        ensure!(refusal.contains("delete-production"), "the message must name the verb: {refusal}");

        story.api_as::<ModelDeployment>(Person::Admin).delete(MODEL, &DeleteParams::default()).await?;
        story.await_gone::<ModelDeployment>(MODEL).await?;
        await_all_gone::<Deployment>(&story, &workloads).await?;
        await_all_gone::<Service>(&story, &services).await?;
        await_all_gone::<ConfigMap>(&story, &[names::routing(MODEL)]).await?;
        await_all_gone::<PodDisruptionBudget>(&story, &[MODEL.to_owned()]).await?;
        for name in [&main, &staged] {
            let entry = await_decision(&story, name, Decision::Retired).await?;
            ensure!(entry.reason.is_some_and(|r| r.contains("was deleted")), "the entry must say why");
            let retired = story.await_stage(name, Stage::Archived).await?;
            ensure!(retired.history().len() > 1, "the history must stay");
        }
        let entry = await_decision(&story, &requested, Decision::Withdrawn).await?;
        assert_eq!(entry.id, request.id);
        await_all_gone::<Pod>(&story, &pods).await?;
        for name in [&main, &staged, &requested] {
            story.api_as::<ModelVersion>(Person::Alice).delete(name, &DeleteParams::default()).await?;
            story.await_gone::<ModelVersion>(name).await?;
        }
        let kept = story.api::<ConfigMap>().get("notes").await?;
        assert_eq!(kept.metadata.resource_version, foreign.metadata.resource_version);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_namespace_with_a_version_in_production_can_be_deleted() -> Result<()> {
    with_temp_ns("namespace", async |story| {
        story.serve_main(&json!({})).await?;
        let namespaces = Api::<Namespace>::all(story.client(Person::Admin).clone());
        namespaces.delete(story.namespace(), &DeleteParams::default()).await?;
        story.await_condition("gone", namespaces, story.namespace(), |ns| ns.is_none()).await?;
        Ok(())
    })
    .await
}
