//! The bare API server with the charts installed that `e2e/cluster/attacks` starts for these tests.

use std::{collections::BTreeMap, path::PathBuf};

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// Label of namespaces in which names are stamped; the script lets the stamping policy look there only.
pub const STAMPED: &str = "understudy.dev/stamped";

/// The way to it: as an administrator, who may act as anybody.
pub struct ControlPlane {
    admin: Config,
}

impl ControlPlane {
    /// The control plane of `ATTACKS_KUBECONFIG`.
    pub async fn shared() -> Self {
        // One implementation of TLS for all clients; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::var_os("ATTACKS_KUBECONFIG").map(PathBuf::from).expect(
            "ATTACKS_KUBECONFIG is not set: these tests have an API server of their own, run e2e/cluster/attacks",
        );
        let kubeconfig =
            Kubeconfig::read_from(path).expect("the kubeconfig of the control plane can be read");
        let admin = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("the kubeconfig of the control plane is whole");
        let server = Self { admin };
        let policies = Api::<ValidatingAdmissionPolicy>::all(server.admin());
        policies.get("understudy-approval").await.expect("the chart is installed there");
        server
    }

    /// A client for everything.
    pub fn admin(&self) -> Client {
        Client::try_from(self.admin.clone()).expect("a configuration that was read gives a client")
    }

    /// A client that is authenticated as this name with these groups.
    pub fn client_of(&self, name: &str, groups: &[&str]) -> Client {
        let mut config = self.admin.clone();
        config.auth_info.impersonate = Some(name.to_owned());
        config.auth_info.impersonate_groups = Some(groups.iter().map(|g| (*g).to_owned()).collect());
        Client::try_from(config).expect("a configuration that was read gives a client")
    }
}

/// Labels of a namespace for the tests.
pub fn labels(stamped: bool) -> BTreeMap<String, String> {
    [(STAMPED.to_owned(), stamped.to_string())].into()
}
