//! A namespace with the operator's rights and a fake kubelet, one for each test.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use anyhow::Result;
use k8s_openapi::api::{
    core::v1::{Namespace, ServiceAccount},
    rbac::v1::{ClusterRole, PolicyRule, Role},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
    core::NamespaceResourceScope,
};
use understudy_crds::{ModelDeployment, ModelVersion};

use super::{
    control_plane::{ControlPlane, OPERATOR},
    garbage::selector,
    kubelet::Kubelet,
    log::Logs,
    operator::Setup,
};

/// Name of the Role with the rights on models and what belongs to them.
const RIGHTS: &str = OPERATOR;

/// What a test has to itself.
pub struct World {
    server: ControlPlane,
    admin: Client,
    /// Clients of people, by name.
    clients: Mutex<BTreeMap<String, Client>>,
    namespace: String,
    kubelet: Kubelet,
    logs: Logs,
}

/// Runs a test in a namespace of its own. At the end it checks the logs of all operators that the test started.
pub async fn in_a_world(test: impl AsyncFnOnce(&World) -> Result<()>) -> Result<()> {
    World::new().await?.checked(test).await
}

impl World {
    /// A namespace of its own, with the rights of the chart that is installed now.
    pub async fn new() -> Result<Self> {
        let server = ControlPlane::shared().await?;
        let admin = server.admin()?;
        let namespace = Namespace {
            metadata: ObjectMeta { generate_name: Some("world-".to_owned()), ..ObjectMeta::default() },
            ..Namespace::default()
        };
        let namespace =
            Api::<Namespace>::all(admin.clone()).create(&PostParams::default(), &namespace).await?.name_any();
        // It also plays the controllers of Deployments and ReplicaSets. The guard knows them by their names.
        let kubelet = Kubelet::start(server.client_of_controller("replicaset-controller")?, &namespace);
        let world = Self { server, admin, clients: Mutex::default(), namespace, kubelet, logs: Logs::new()? };
        // A pod needs it. In a cluster, a controller creates it.
        let account = ServiceAccount {
            metadata: ObjectMeta { name: Some("default".to_owned()), ..ObjectMeta::default() },
            ..ServiceAccount::default()
        };
        world.create(&account).await?;
        let installed = Api::<ClusterRole>::all(world.admin.clone()).get(OPERATOR).await?;
        world.server.grant(&world.namespace, RIGHTS, installed.rules.unwrap_or_default()).await?;
        world.server.let_lead_in(&world.namespace).await?;
        Ok(world)
    }

    /// Runs a test in it. At the end it checks the logs of all operators that the test started.
    pub async fn checked(&self, test: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        // A test is a large future.
        self.logs.checked(Box::pin(test(self)), async || self.diagnostics().await).await
    }

    /// Changes the rules of the operator's rights in the namespace.
    pub async fn change_rights(&self, change: impl FnOnce(&mut Vec<PolicyRule>)) -> Result<()> {
        let roles = self.api::<Role>();
        let mut role = roles.get(RIGHTS).await?;
        change(role.rules.get_or_insert_default());
        roles.replace(RIGHTS, &PostParams::default(), &role).await?;
        Ok(())
    }

    /// Gives the operator the rights of the chart.
    pub async fn restore_rights(&self) -> Result<()> {
        let installed = Api::<ClusterRole>::all(self.admin.clone()).get(OPERATOR).await?;
        self.change_rights(|rules| *rules = installed.rules.unwrap_or_default()).await
    }

    /// Creates an object as the administrator.
    pub async fn create<K>(&self, object: &K) -> Result<()>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        self.api::<K>().create(&PostParams::default(), object).await?;
        Ok(())
    }

    /// The API server.
    pub const fn server(&self) -> &ControlPlane {
        &self.server
    }

    /// The fake kubelet.
    pub const fn kubelet(&self) -> &Kubelet {
        &self.kubelet
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The API of a kind in the namespace, as the administrator.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    /// The API of a kind in the namespace, as somebody whom the guard does not stop. So a test can edit what the operator
    /// owns, as if the guard were off.
    pub fn around_the_guard<K>(&self) -> Result<Api<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Ok(Api::namespaced(self.server.client_of_controller("around-the-guard")?, &self.namespace))
    }

    /// A client as this person.
    pub fn client_of(&self, person: &str) -> Result<Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(person) {
            return Ok(known.clone());
        }
        let client = self.server.client_of(person)?;
        clients.insert(person.to_owned(), client.clone());
        Ok(client)
    }

    /// The operator's objects of this kind.
    pub async fn owned<K>(&self) -> Result<Vec<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let ours = ListParams::default().labels(&selector());
        Ok(self.api::<K>().list(&ours).await?.items)
    }

    /// An operator with this name as candidate for the Lease. It sees this namespace only.
    pub fn operator(&self, name: &str) -> Setup<'_> {
        Setup::new(&self.server, &self.logs, name).in_namespace(&self.namespace)
    }

    /// The status of the first objects, for the output of a failed test.
    async fn diagnostics(&self) -> String {
        let few = ListParams::default().limit(6);
        let mut lines = vec![format!("in namespace {}:", self.namespace)];
        let models = self.api::<ModelDeployment>().list(&few).await.map(|list| list.items);
        for md in models.iter().flatten() {
            lines.push(format!("ModelDeployment {}: {}", md.name_any(), json(&md.status)));
        }
        let versions = self.api::<ModelVersion>().list(&few).await.map(|list| list.items);
        for mv in versions.iter().flatten() {
            let (name, stage, status) = (mv.name_any(), mv.spec.stage, json(&mv.status));
            lines.push(format!("ModelVersion {name} (spec.stage {stage}): {status}"));
        }
        for error in models.err().iter().chain(versions.err().iter()) {
            lines.push(format!("failed to list models: {error}"));
        }
        lines.join("\n")
    }
}

fn json(status: &impl serde::Serialize) -> String {
    serde_json::to_string(status).unwrap_or_default()
}
