//! What people do. Each act is one write. Alice requests, Bob approves, Carol rolls back.

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client, Resource,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, NamespaceResourceScope},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion, Stage, Transition, condition};

use super::world::World;
use crate::{patches, store::digest};

/// The person who requests.
pub const ALICE: &str = "alice";
/// The person who approves.
pub const BOB: &str = "bob";
/// The person who rolls back.
pub const CAROL: &str = "carol";

/// Acts that go on at the same time. More would only wait for the API server.
const CONCURRENCY: usize = 8;

/// Does something for each of these names, for some of them at the same time.
pub async fn concurrently(
    names: impl Iterator<Item = String>,
    act: impl AsyncFn(String) -> Result<()>,
) -> Result<()> {
    stream::iter(names).map(|name| act(name)).buffer_unordered(CONCURRENCY).try_collect().await
}

/// Creates an object of a kind in a namespace. Its fields may be newer than the types of this checkout.
pub(crate) async fn create_object<K>(client: Client, namespace: &str, mut object: Value) -> Result<()>
where
    K: Resource<DynamicType = ()>,
{
    let kind = ApiResource::erase::<K>(&());
    object["apiVersion"] = json!(kind.api_version);
    object["kind"] = json!(kind.kind);
    let object: DynamicObject = serde_json::from_value(object)?;
    let api = Api::<DynamicObject>::namespaced_with(client, namespace, &kind);
    api.create(&PostParams::default(), &object).await?;
    Ok(())
}

impl World {
    /// The API of a kind in the namespace, as this person.
    pub fn api_of<K>(&self, person: &str) -> Result<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Ok(Api::namespaced(self.client_of(person)?, self.namespace()))
    }

    /// Alice creates a `ModelDeployment` that needs no acceptance test. The fields of `spec` replace the defaults. They
    /// may be newer than the types of this checkout.
    pub async fn deploy(&self, name: &str, spec: &Value) -> Result<()> {
        let mut all = json!({"approval": {"acceptanceTest": "Optional"}});
        for (field, value) in spec.as_object().into_iter().flatten() {
            all[field] = value.clone();
        }
        let object = json!({"metadata": {"name": name}, "spec": all});
        create_object::<ModelDeployment>(self.client_of(ALICE)?, self.namespace(), object).await
    }

    /// Alice publishes a version. Returns the name of its `ModelVersion`.
    pub async fn publish(&self, deployment: &str, version: &str) -> Result<String> {
        self.publish_as(&format!("{deployment}-{version}"), deployment, version).await
    }

    /// Alice publishes a version under this name.
    pub async fn publish_as(&self, name: &str, deployment: &str, version: &str) -> Result<String> {
        let sha256 = digest(format!("{deployment}/{version}").as_bytes());
        let uri = format!("s3://models/{version}/model.onnx");
        let spec = json!({
            "deployment": deployment, "version": version, "artifact": {"uri": uri, "sha256": sha256},
        });
        let object = json!({"metadata": {"name": name}, "spec": spec});
        create_object::<ModelVersion>(self.client_of(ALICE)?, self.namespace(), object).await?;
        Ok(name.to_owned())
    }

    /// Alice publishes other bytes under a name and a number that an earlier version had, with a Secret. Returns their digest.
    pub async fn publish_other(&self, name: &str, deployment: &str, version: &str) -> Result<String> {
        let sha256 = digest(format!("other bytes of {deployment}/{version}").as_bytes());
        let artifact = json!({
            "uri": "s3://models/other.onnx", "sha256": sha256, "secretRef": {"name": "of-somebody-else"},
        });
        let spec = json!({"deployment": deployment, "version": version, "artifact": artifact});
        let object = json!({"metadata": {"name": name}, "spec": spec});
        create_object::<ModelVersion>(self.client_of(ALICE)?, self.namespace(), object).await?;
        Ok(sha256)
    }

    /// Merges `patch` into an object, as this person.
    pub async fn patch<K>(&self, person: &str, name: &str, patch: &Value) -> Result<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned,
    {
        Ok(self.api_of::<K>(person)?.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
    }

    /// Alice requests a stage. No operator has to run.
    pub async fn request(&self, name: &str, stage: Stage) -> Result<ModelVersion> {
        self.patch(ALICE, name, &patches::request(ALICE, stage)).await
    }

    /// Alice requests a stage. Returns the pending transition.
    pub async fn open_request(&self, name: &str, stage: Stage) -> Result<Transition> {
        let generation = self.request(name, stage).await?.metadata.generation;
        let is_it = |t: &Transition| Some(t.generation) == generation && t.to == stage;
        let pending =
            self.await_version("a pending request", name, |v| v.transition().is_some_and(is_it)).await?;
        pending.transition().cloned().context("the predicate requires one")
    }

    /// Bob approves a transition.
    pub async fn approve(&self, name: &str, id: &str) -> Result<()> {
        self.patch::<ModelVersion>(BOB, name, &patches::approve(BOB, id)).await?;
        Ok(())
    }

    /// Alice requests a stage, and Bob approves.
    pub async fn request_and_approve(&self, name: &str, stage: Stage) -> Result<()> {
        let transition = self.open_request(name, stage).await?;
        self.approve(name, &transition.id).await
    }

    /// Carol requests a rollback. Another `suffix` makes it another request.
    pub async fn roll_back(&self, deployment: &str, version: &str, suffix: &str) -> Result<()> {
        let patch = patches::roll_back(CAROL, version, suffix);
        self.patch::<ModelDeployment>(CAROL, deployment, &patch).await?;
        Ok(())
    }

    /// Waits until the version is in this stage and has no open request.
    pub async fn await_stage(&self, name: &str, stage: Stage) -> Result<ModelVersion> {
        let settled = |v: &ModelVersion| v.stage() == stage && v.transition().is_none();
        self.await_version(&format!("in stage {stage}"), name, settled).await
    }

    /// Waits until a pod of the version is ready.
    pub async fn await_serving(&self, name: &str) -> Result<ModelVersion> {
        let serves = |v: &ModelVersion| {
            let conditions = v.status.as_ref().map_or(&[][..], |status| &status.conditions);
            condition::is_true(conditions, condition::SERVING)
        };
        self.await_version("serving", name, serves).await
    }

    /// Publishes a version and brings it into Staging, where it serves. Returns the name of its `ModelVersion`.
    pub async fn stage(&self, deployment: &str, version: &str) -> Result<String> {
        let name = self.publish(deployment, version).await?;
        self.request_and_approve(&name, Stage::Staging).await?;
        self.await_stage(&name, Stage::Staging).await?;
        self.await_serving(&name).await?;
        Ok(name)
    }

    /// Publishes a version and brings it into Production. Returns the name of its `ModelVersion`.
    pub async fn promote(&self, deployment: &str, version: &str) -> Result<String> {
        let name = self.stage(deployment, version).await?;
        self.request_and_approve(&name, Stage::Production).await?;
        self.await_stage(&name, Stage::Production).await?;
        Ok(name)
    }

    /// The operator writes this into the status of a version.
    pub async fn record(&self, name: &str, status: &Value) -> Result<()> {
        let api = Api::<DynamicObject>::namespaced_with(
            self.server().client_of_operator()?,
            self.namespace(),
            &ApiResource::erase::<ModelVersion>(&()),
        );
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Waits until this version is main by the status of the `ModelDeployment`.
    pub async fn await_main(&self, deployment: &str, version: &str) -> Result<ModelDeployment> {
        let is_main = |md: &ModelDeployment| md.main().is_some_and(|main| main.version == version);
        self.await_deployment(&format!("main is {version}"), deployment, is_main).await
    }
}
