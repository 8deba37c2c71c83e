//! The API server and the operator that `e2e/cluster/fields` starts for these tests.

use std::{fmt::Debug, path::PathBuf, time::Duration};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Config, CustomResourceExt, Resource, ResourceExt,
    api::{ApiResource, DynamicObject, ObjectMeta, Patch, PatchParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::NamespaceResourceScope,
    runtime::wait,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

/// Much longer than a pass takes.
const DEADLINE: Duration = Duration::from_mins(1);
/// The account of the chart's operator. Only it may write a status.
const OPERATOR: &str = "system:serviceaccount:understudy-system:understudy-operator";

/// A namespace of the API server, as an administrator.
pub struct Cluster {
    admin: Client,
    operator: Client,
    pub namespace: String,
}

impl Cluster {
    /// The API server of `FIELDS_KUBECONFIG`, with a new namespace.
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

    /// The API server of `FIELDS_KUBECONFIG`, with this namespace.
    pub async fn of(namespace: &str) -> Self {
        // All clients use one implementation of TLS. A second call has no effect.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::var_os("FIELDS_KUBECONFIG").map(PathBuf::from).expect(
            "FIELDS_KUBECONFIG is not set: run e2e/cluster/fields, which starts an API server for these tests",
        );
        let kubeconfig = Kubeconfig::read_from(path).expect("the kubeconfig can be read");
        let admin = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("the kubeconfig is complete");
        let mut operator = admin.clone();
        operator.auth_info.impersonate = Some(OPERATOR.to_owned());
        operator.auth_info.impersonate_groups = Some(vec!["system:authenticated".to_owned()]);
        let client = |config| Client::try_from(config).expect("a client can be built from the kubeconfig");
        Self { admin: client(admin), operator: client(operator), namespace: namespace.to_owned() }
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
        Api::<ModelVersion>::namespaced(self.operator.clone(), &self.namespace)
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
