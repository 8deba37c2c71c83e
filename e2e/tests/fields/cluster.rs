//! The API server that `e2e/cluster/fields` starts for these tests, and their operators.

use std::fmt::Debug;

use anyhow::ensure;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, CustomResourceExt, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams},
    core::NamespaceResourceScope,
    runtime::wait,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};
use understudy_e2e::bare::{ControlPlane, DEADLINE, Logs, Setup};

/// A namespace of the API server, as an administrator.
pub struct Cluster {
    server: ControlPlane,
    admin: Client,
    pub namespace: String,
}

/// Runs a test in a new namespace with an operator, whose log is checked at the end.
pub async fn operated(test: impl AsyncFnOnce(&Cluster)) {
    let cluster = Cluster::with_namespace().await;
    cluster.server.let_lead_in(&cluster.namespace).await.expect("a role is created");
    cluster.operated(test).await;
}

impl Cluster {
    /// The API server with a new namespace.
    pub async fn with_namespace() -> Self {
        let cluster = Self::of("default").await;
        let namespace = Namespace {
            metadata: ObjectMeta { generate_name: Some("fields-".to_owned()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let api = Api::<Namespace>::all(cluster.admin.clone());
        let made = api.create(&PostParams::default(), &namespace).await.expect("a namespace is created");
        Self { namespace: made.name_any(), ..cluster }
    }

    /// The API server with this namespace.
    pub async fn of(namespace: &str) -> Self {
        let server = ControlPlane::shared().await.expect("e2e/cluster/fields has started an API server");
        let admin = server.admin().expect("a client can be built from the kubeconfig");
        Self { server, admin, namespace: namespace.to_owned() }
    }

    /// Runs a test with an operator, whose log is checked at the end.
    pub async fn operated(&self, test: impl AsyncFnOnce(&Self)) {
        let logs = Logs::new().expect("a folder for the log");
        // A sweep is a large future.
        let run = Box::pin(async {
            let name = format!("operator-{}", rand::random::<u32>());
            let operator = Setup::new(&self.server, &logs, &name).in_namespace(&self.namespace);
            // Two tests share a namespace, and its Lease: the operator of the second one leads after the first one.
            let operator = operator.lead().await?;
            test(self).await;
            let ended = operator.terminate().await?;
            ensure!(ended.success(), "the operator ended with {ended}");
            Ok(())
        });
        logs.checked(run, async || format!("in namespace {}", self.namespace))
            .await
            .expect("a sound operator");
    }

    /// Objects of a kind in the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    /// Objects of one of our kinds as plain values, which may be invalid.
    pub fn raw<K: Resource<DynamicType = ()>>(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.admin.clone(), &self.namespace, &ApiResource::erase::<K>(&()))
    }

    /// Asks the API server whether it would create this object.
    pub async fn would_create<K>(&self, name: &str, spec: &Value) -> kube::Result<Value>
    where
        K: Resource<DynamicType = ()> + CustomResourceExt,
    {
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let made = self.raw::<K>().create(&params, &object::<K>(name, spec)).await?;
        Ok(made.data["spec"].clone())
    }

    /// Records that a version is in Staging, as the operator's account: an approval is not the subject here.
    pub async fn stage(&self, version: &str) {
        let status = Patch::Merge(json!({"status": {"stage": "Staging"}}));
        let operator = self.server.client_of_operator().expect("a client can be built from the kubeconfig");
        Api::<ModelVersion>::namespaced(operator, &self.namespace)
            .patch_status(version, &PatchParams::default(), &status)
            .await
            .expect("the operator's account writes a status");
    }

    /// Waits until the object with this name is as `predicate` says (`None`: it does not exist).
    pub async fn wait_for<K>(
        &self,
        what: &str,
        name: &str,
        predicate: impl Fn(Option<&K>) -> bool,
    ) -> Option<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + Send
            + DeserializeOwned
            + 'static,
    {
        let waiting = wait::await_condition(self.api::<K>(), name, predicate);
        if let Ok(found) = tokio::time::timeout(DEADLINE, waiting).await {
            return found.expect("the object can be watched");
        }
        panic!("timed out: {what}; now {:#?}", self.api::<K>().get_opt(name).await)
    }

    /// Waits until the operator has seen the newest spec of the deployment.
    pub async fn settled(&self, deployment: &str) -> ModelDeployment {
        let seen = |md: Option<&ModelDeployment>| {
            md.is_some_and(|md| {
                let observed = md.status.as_ref().and_then(|status| status.observed_generation);
                observed.is_some() && observed == md.metadata.generation
            })
        };
        self.wait_for("the operator sees the deployment", deployment, seen).await.expect("the object exists")
    }
}

/// An object of one of our kinds with this spec.
pub fn object<K>(name: &str, spec: &Value) -> DynamicObject
where
    K: Resource<DynamicType = ()> + CustomResourceExt,
{
    let mut object = DynamicObject::new(name, &ApiResource::erase::<K>(&()));
    object.data = json!({"spec": spec});
    object
}
