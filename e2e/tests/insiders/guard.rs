//! A27, A28 without the guard: its bindings are deleted. That is reported, and what is edited is put back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingAdmissionPolicyBinding, apps::v1::Deployment, core::v1::Service,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use understudy_crds::{
    ModelDeployment,
    condition::{self, OBJECTS_GUARDED},
    names,
};
use understudy_e2e::{MODEL, Person, Story, rows, with_temp_ns};

const BINDINGS: [&str; 2] = ["understudy-guard", "understudy-guard-workloads"];

/// Time limit for the API server to stop enforcing a deleted binding, which takes seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Deletes the bindings while `act` runs, and creates them again also if `act` fails.
async fn without_guard(story: &Story, act: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    let api: Api<ValidatingAdmissionPolicyBinding> = Api::all(story.client(Person::Admin).clone());
    let mut bindings = vec![];
    for name in BINDINGS {
        bindings.push(api.get(name).await?);
        api.delete(name, &DeleteParams::default()).await?;
    }
    let outcome = act().await;
    for mut binding in bindings {
        binding.metadata.uid = None;
        binding.metadata.resource_version = None;
        api.create(&PostParams::default(), &binding).await?;
    }
    outcome
}

async fn await_guarded(story: &Story, status: &str) -> Result<()> {
    let is_it = |md: &ModelDeployment| {
        let conditions = md.status.as_ref().map_or(&[][..], |s| &s.conditions);
        condition::find(conditions, OBJECTS_GUARDED).is_some_and(|c| c.status == status)
    };
    story.await_deployment(&format!("{OBJECTS_GUARDED} is {status}"), is_it).await.map(drop)
}

/// Edits the stable Service as the administrator, as soon as the API server does not refuse it any more.
async fn divert(story: &Story) -> Result<Service> {
    let diverted = json!({
        "metadata": {"ownerReferences": null, "labels": null}, "spec": {"selector": {"app": "mine"}, "type": "NodePort"},
    });
    let edited = tokio::time::timeout(PATIENCE, async {
        loop {
            let services = story.api::<Service>();
            if let Ok(edited) = services.patch(MODEL, &PatchParams::default(), &Patch::Merge(&diverted)).await
            {
                return edited;
            }
        }
    });
    edited.await.context("timed out: the API server still enforces the deleted guard")
}

fn selector(service: &Service) -> Value {
    json!(service.spec.as_ref().map(|spec| (&spec.selector, &spec.type_)))
}

#[tokio::test]
async fn without_the_guard_callers_are_led_back_and_main_runs_what_was_approved() -> Result<()> {
    let _installed = crate::POLICY_INSTALLED.read().await;
    with_temp_ns("unguarded", async |story| {
        story.serve_main(&json!({})).await?;
        await_guarded(&story, "True").await?;
        let before = story.api::<Service>().get(MODEL).await?;
        without_guard(&story, async || {
            await_guarded(&story, "False").await?;
            let edited = divert(&story).await?;
            ensure!(edited.uid() == before.uid(), "the Service was made again");
            let restored = |service: &Service| {
                service.uid() == before.uid()
                    && selector(service) == selector(&before)
                    && service.owner_references() == before.owner_references()
                    && service.labels() == before.labels()
            };
            story.await_object("led back", MODEL, restored).await?;
            let version = names::version_object(MODEL, "1.0.0");
            let proxy = json!({"spec": {"template": {"spec": {"containers": [
                {"name": "server", "env": [{"name": "HTTPS_PROXY", "value": "http://mine"}]},
            ]}}}});
            let workloads = story.api::<Deployment>();
            let edited = tokio::time::timeout(PATIENCE, async {
                while workloads
                    .patch(&version, &PatchParams::default(), &Patch::Strategic(&proxy))
                    .await
                    .is_err()
                {}
            });
            edited.await.context("timed out: the API server still enforces the deleted guard")?;
            let clean = |workload: &Deployment| !json!(workload.spec).to_string().contains("HTTPS_PROXY");
            story.await_object("without the proxy", &version, clean).await?;
            Ok(())
        })
        .await?;
        await_guarded(&story, "True").await?;
        story.predict(MODEL).await?.ensure_equals(&rows()?, "1.0.0")
    })
    .await
}
