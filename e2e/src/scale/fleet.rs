//! Models of a large installation: ten versions each, of which the first one is served.

use std::{collections::BTreeSet, ops::Range};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
    runtime::{WatchStreamExt, watcher},
};
use serde_json::{Value, json};
use tokio::time::{Duration, timeout};
use understudy_crds::{ModelDeployment, ModelVersion, Stage, annotations, condition};

use crate::{
    bare::{ALICE, BOB, ControlPlane, create_object},
    patches,
    store::digest,
};

/// Versions of each model.
pub const VERSIONS: usize = 10;
/// Writes in flight: as many as the operator's passes, 16 of each controller.
pub(super) const CONCURRENCY: usize = 32;
/// Time limit for each model to be in Production, plus a minute.
const EACH: Duration = Duration::from_secs(2);

/// The models of one namespace.
pub struct Fleet {
    server: ControlPlane,
    namespace: String,
    admin: Client,
    alice: Client,
    bob: Client,
}

/// What a person does next for a version.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
enum Act {
    Request,
    Approve(String),
}

impl Fleet {
    /// No models yet, in a new namespace with this name.
    pub async fn new(namespace: &str) -> Result<Self> {
        let server = ControlPlane::shared().await?;
        let admin = server.admin()?;
        let metadata = ObjectMeta { name: Some(namespace.to_owned()), ..ObjectMeta::default() };
        let object = Namespace { metadata, ..Namespace::default() };
        Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &object).await?;
        let (alice, bob) = (server.client_of(ALICE)?, server.client_of(BOB)?);
        Ok(Self { server, namespace: namespace.to_owned(), admin, alice, bob })
    }

    /// The API server.
    #[must_use]
    pub const fn server(&self) -> &ControlPlane {
        &self.server
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The API of a kind in the namespace, as the administrator.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
    {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    /// Name of a model.
    #[must_use]
    pub fn model(n: usize) -> String {
        format!("model-{n:04}")
    }

    /// Number of a version of each model.
    #[must_use]
    pub fn number(n: usize) -> String {
        format!("1.{n}.0")
    }

    /// Name of a version.
    #[must_use]
    pub fn version(model: usize, version: usize) -> String {
        format!("{}-{}", Self::model(model), Self::number(version))
    }

    /// Digest of a version, in hex.
    #[must_use]
    pub fn digest(model: &str, number: &str) -> String {
        digest(format!("{model}/{number}").as_bytes())
    }

    /// Alice creates these models and their versions. She requests Staging for the first version of each, and it is
    /// recorded as approved, so that an operator that starts then has all writes of a version with pods before it.
    pub async fn publish(&self, models: Range<usize>) -> Result<()> {
        let recorder = self.server.client_of_operator()?;
        self.each(models, async |model| {
            let name = Self::model(model);
            let spec = json!({"approval": {"acceptanceTest": "Optional"}, "description": "a model of the scale suite"});
            let object = json!({"metadata": {"name": name}, "spec": spec});
            create_object::<ModelDeployment>(self.alice.clone(), &self.namespace, object).await?;
            for version in 0..VERSIONS {
                let object = version_object(&name, version);
                create_object::<ModelVersion>(self.alice.clone(), &self.namespace, object).await?;
            }
            let staged = Patch::Merge(json!({"status": {"stage": Stage::Staging}}));
            Api::<ModelVersion>::namespaced(recorder.clone(), &self.namespace)
                .patch_status(&Self::version(model, 0), &PatchParams::default(), &staged)
                .await?;
            Ok(())
        })
        .await
    }

    /// Does something for each of these models, for many at the same time.
    pub async fn each(&self, models: Range<usize>, act: impl AsyncFn(usize) -> Result<()>) -> Result<()> {
        stream::iter(models).map(|model| act(model)).buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Alice requests a stage.
    pub async fn request(&self, version: &str, stage: Stage) -> Result<()> {
        self.patch(&self.alice, version, &patches::request(ALICE, stage)).await
    }

    /// Bob approves a transition.
    pub async fn approve(&self, version: &str, id: &str) -> Result<()> {
        self.patch(&self.bob, version, &patches::approve(BOB, id)).await
    }

    async fn patch(&self, client: &Client, version: &str, patch: &Value) -> Result<()> {
        let api = Api::<ModelVersion>::namespaced(client.clone(), &self.namespace);
        api.patch(version, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Brings versions of these names into a stage: Alice requests and Bob approves as soon as each is ready for it.
    pub async fn bring(&self, versions: BTreeSet<String>, to: Stage) -> Result<()> {
        let config = watcher::Config::default();
        let mut changes =
            watcher(self.api::<ModelVersion>(), config).default_backoff().applied_objects().boxed();
        let (mut acting, mut acted, mut left) = (stream::FuturesUnordered::new(), BTreeSet::new(), versions);
        let limit = EACH * u32::try_from(left.len())? + Duration::from_mins(1);
        let run = async {
            while !left.is_empty() || !acting.is_empty() {
                tokio::select! {
                    done = acting.next(), if !acting.is_empty() => done.unwrap_or(Ok(()))?,
                    change = changes.try_next() => {
                        let version = change?.context("a watch does not end")?;
                        let name = version.metadata.name.clone().unwrap_or_default();
                        if !left.contains(&name) {
                            continue;
                        }
                        if version.stage() == to && version.transition().is_none() {
                            left.remove(&name);
                        } else if let Some(act) = next_act(&version, to)
                            && acted.insert((name.clone(), act.clone()))
                        {
                            acting.push(async move {
                                match act {
                                    Act::Request => self.request(&name, to).await,
                                    Act::Approve(id) => self.approve(&name, &id).await,
                                }
                            });
                        }
                    }
                }
            }
            anyhow::Ok(())
        };
        let result = timeout(limit, run).await;
        let left = left.len();
        result.with_context(|| format!("timed out: {left} versions are not in {to}"))?
    }

    /// The first versions of these models.
    #[must_use]
    pub fn firsts(models: Range<usize>) -> BTreeSet<String> {
        models.map(|model| Self::version(model, 0)).collect()
    }

    /// Deletes everything of the operator and all models at once, while nothing else runs.
    pub async fn clear(&self) -> Result<()> {
        use k8s_openapi::api::{apps::v1::Deployment, core::v1, policy::v1::PodDisruptionBudget};
        let now = DeleteParams::background();
        let all = kube::api::ListParams::default();
        self.api::<Deployment>().delete_collection(&now, &all).await?;
        self.api::<v1::ConfigMap>().delete_collection(&now, &all).await?;
        self.api::<v1::Service>().delete_collection(&now, &all).await?;
        self.api::<PodDisruptionBudget>().delete_collection(&now, &all).await?;
        // Models first: the deletion of a version costs the API server a little for each model of the namespace.
        self.api::<ModelDeployment>().delete_collection(&now, &all).await?;
        self.api::<ModelVersion>().delete_collection(&now, &all).await?;
        Ok(())
    }
}

/// The next act of a person for a version on its way into this stage.
fn next_act(version: &ModelVersion, to: Stage) -> Option<Act> {
    match version.transition() {
        Some(t) if t.to == to => t.approval.is_none().then(|| Act::Approve(t.id.clone())),
        Some(_) => None,
        None if version.spec.stage == to => None,
        None if to == Stage::Staging => Some(Act::Request),
        None => {
            let conditions = version.status.as_ref().map_or(&[][..], |status| &status.conditions);
            let serves = condition::is_true(conditions, condition::SERVING);
            (version.stage() == Stage::Staging && serves).then_some(Act::Request)
        }
    }
}

fn version_object(model: &str, version: usize) -> Value {
    let number = Fleet::number(version);
    let mut object = json!({
        "metadata": {"name": format!("{model}-{number}")},
        "spec": {
            "deployment": model, "version": number,
            "artifact": {"uri": format!("s3://models/{model}/{number}.onnx"), "sha256": Fleet::digest(model, &number)},
            "documentation": {"markdown": "A model card has about a kilobyte. ".repeat(30)},
            "evaluation": {"dataset": "holdout", "metrics": [
                {"name": "auc", "value": 0.97}, {"name": "precision", "value": 0.91}, {"name": "recall", "value": 0.88},
            ]},
            "provenance": {"run": format!("run-{version}"), "gitCommit": "0a1b2c3", "dataset": "payments"},
        },
    });
    if version == 0 {
        object["spec"]["stage"] = json!(Stage::Staging);
        object["metadata"]["annotations"] = json!({annotations::REQUESTED_BY: ALICE});
    }
    object
}
