//! The bare API server with the charts, which `e2e/cluster/attacks` starts for these tests.

use std::{collections::BTreeMap, path::PathBuf};

use k8s_openapi::api::admissionregistration::v1::ValidatingAdmissionPolicy;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

/// Label of namespaces in which names are stamped. The script limits the stamping policy to them.
pub const STAMPED: &str = "understudy.dev/stamped";

/// Label of namespaces with a second approval policy, which requires comments and two approvers.
pub const STRICT: &str = "understudy.dev/strict";
/// Namespaces in which models come from allowed places only.
pub const LISTED: &str = "understudy.dev/listed";

/// The API server, as an administrator who can impersonate any user.
pub struct ControlPlane {
    admin: Config,
}

impl ControlPlane {
    /// The control plane of `BARE_KUBECONFIG`.
    pub async fn shared() -> Self {
        // All clients use one implementation of TLS. A second call has no effect.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::var_os("BARE_KUBECONFIG").map(PathBuf::from).expect(
            "BARE_KUBECONFIG is not set: run e2e/cluster/attacks, which starts an API server for these tests",
        );
        let kubeconfig =
            Kubeconfig::read_from(path).expect("the kubeconfig of the control plane can be read");
        let admin = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
            .await
            .expect("the kubeconfig of the control plane is complete");
        let server = Self { admin };
        let policies = Api::<ValidatingAdmissionPolicy>::all(server.admin());
        policies.get("understudy-approval").await.expect("the chart is installed");
        server
    }

    /// A client as the administrator.
    pub fn admin(&self) -> Client {
        Client::try_from(self.admin.clone()).expect("a client can be built from the kubeconfig")
    }

    /// A client that impersonates this user with these groups and these further facts about the account.
    pub fn client_of(&self, name: &str, groups: &[&str], extra: &[(&str, &str)]) -> Client {
        let mut config = self.admin.clone();
        for (key, value) in extra {
            // The API server makes the name of a header lower-case before it decodes it.
            let encoded: String = key
                .chars()
                .map(
                    |c| if c.is_ascii_lowercase() { c.to_string() } else { format!("%{:02x}", u32::from(c)) },
                )
                .collect();
            let header = format!("Impersonate-Extra-{encoded}");
            config
                .headers
                .push((header.parse().expect("a header"), value.parse().expect("a header's value")));
        }
        config.auth_info.impersonate = Some(name.to_owned());
        config.auth_info.impersonate_groups = Some(groups.iter().map(|g| (*g).to_owned()).collect());
        Client::try_from(config).expect("a client can be built from the kubeconfig")
    }
}

/// Labels of a namespace of these tests.
pub fn labels(stamped: bool, strict: bool, listed: bool) -> BTreeMap<String, String> {
    let label = |name: &str, value: bool| (name.to_owned(), value.to_string());
    [label(STAMPED, stamped), label(STRICT, strict), label(LISTED, listed)].into()
}
