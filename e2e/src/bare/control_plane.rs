//! The bare API server with the charts, which a script of `e2e/cluster` starts for a suite.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::{
    Api, Client, Config,
    api::{ObjectMeta, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::installation;

/// Namespace of the chart's release.
pub const RELEASE: &str = "understudy-system";
/// Service account and `ClusterRole` of the operator.
pub const OPERATOR: &str = "understudy-operator";
/// Longer than any run of these tests, in seconds.
const TOKEN_LASTS: i64 = 4 * 3600;

/// The API server, as an administrator who can impersonate any user.
pub struct ControlPlane {
    admin: Config,
    /// The administrator's kubeconfig, which is JSON.
    kubeconfig: Value,
}

impl ControlPlane {
    /// The control plane of `BARE_KUBECONFIG`.
    pub async fn shared() -> Result<Self> {
        // All clients use one implementation of TLS. A second call has no effect.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::var_os("BARE_KUBECONFIG").map(PathBuf::from).context(
            "BARE_KUBECONFIG is not set: run the script of this suite in e2e/cluster, which starts an API server",
        )?;
        let kubeconfig = serde_json::from_slice(&std::fs::read(&path)?)?;
        let admin =
            Config::from_custom_kubeconfig(Kubeconfig::read_from(path)?, &KubeConfigOptions::default())
                .await?;
        Ok(Self { admin, kubeconfig })
    }

    /// A client as the administrator.
    pub fn admin(&self) -> Result<Client> {
        Ok(Client::try_from(self.admin.clone())?)
    }

    /// A client as this user, whom RBAC allows everything. The approval policy applies all the same.
    pub fn client_of(&self, name: &str) -> Result<Client> {
        let mut config = self.admin.clone();
        config.auth_info.impersonate = Some(name.to_owned());
        config.auth_info.impersonate_groups =
            Some(["system:masters", "system:authenticated"].map(str::to_owned).to_vec());
        Ok(Client::try_from(config)?)
    }

    /// A client of a controller of Kubernetes: the guard lets it change what the operator owns, and create its pods if it is
    /// the controller of `ReplicaSet`s.
    pub fn client_of_controller(&self, name: &str) -> Result<Client> {
        self.client_of(&format!("system:serviceaccount:kube-system:{name}"))
    }

    /// A client as the operator's service account with an administrator's rights, to write a status in its place.
    pub fn client_of_operator(&self) -> Result<Client> {
        self.client_of(&format!("system:serviceaccount:{RELEASE}:{OPERATOR}"))
    }

    /// A client with a token of the operator's service account, as the operator has it.
    pub async fn client_of_account(&self) -> Result<Client> {
        let kubeconfig = self.kubeconfig_of_operator(self.port()?).await?;
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }

    /// The port of the API server on 127.0.0.1.
    pub fn port(&self) -> Result<u16> {
        self.admin.cluster_url.port_u16().context("the kubeconfig names a port")
    }

    /// Starts another API server on the same etcd, and returns its port on 127.0.0.1. It knows no changes from before
    /// its start, so that it answers 410 to a watch that begins earlier.
    pub async fn start_another(&self) -> Result<u16> {
        let name = std::env::var("BARE_CONTROL_PLANE").context("BARE_CONTROL_PLANE is not set")?;
        let script = checkout().join("e2e/cluster/control-plane");
        let output = Command::new(script).args(["replica", &name]).stderr(Stdio::inherit()).output().await?;
        ensure!(output.status.success(), "e2e/cluster/control-plane replica {name} failed");
        let kubeconfig = Kubeconfig::read_from(String::from_utf8(output.stdout)?.trim())?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        config.cluster_url.port_u16().context("the kubeconfig names a port")
    }

    /// A kubeconfig with a token of the operator's service account, for an API server behind this port on 127.0.0.1.
    pub async fn kubeconfig_of_operator(&self, port: u16) -> Result<Value> {
        let authority = &self.kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"];
        let server = format!("https://127.0.0.1:{port}");
        let cluster = json!({"server": server, "certificate-authority-data": authority});
        let accounts = Api::namespaced(self.admin()?, RELEASE);
        installation::kubeconfig(cluster, (&accounts, OPERATOR), Some(TOKEN_LASTS)).await
    }

    /// Gives the operator's service account these rights in a namespace.
    pub async fn grant(&self, namespace: &str, name: &str, rules: Vec<PolicyRule>) -> Result<()> {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let role = Role { metadata: metadata.clone(), rules: Some(rules) };
        let binding = RoleBinding {
            metadata,
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".to_owned(),
                kind: "Role".to_owned(),
                name: name.to_owned(),
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".to_owned(),
                name: OPERATOR.to_owned(),
                namespace: Some(RELEASE.to_owned()),
                api_group: None,
            }]),
        };
        let create = PostParams::default();
        Api::namespaced(self.admin()?, namespace).create(&create, &role).await?;
        Api::namespaced(self.admin()?, namespace).create(&create, &binding).await?;
        Ok(())
    }

    /// Gives the operator's service account the right to lead in a namespace, as the chart does in its own.
    pub async fn let_lead_in(&self, namespace: &str) -> Result<()> {
        let leader = format!("{OPERATOR}-leader");
        let installed = Api::<Role>::namespaced(self.admin()?, RELEASE).get(&leader).await?;
        self.grant(namespace, &leader, installed.rules.unwrap_or_default()).await
    }

    /// A file of a `ConfigMap` that the chart wrote for the operator.
    pub async fn file(&self, config_map: &str, key: &str) -> Result<String> {
        installation::file(&Api::namespaced(self.admin()?, RELEASE), config_map, key).await
    }
}

/// The root of this checkout.
fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace")
}
