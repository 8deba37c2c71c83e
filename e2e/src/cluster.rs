//! The cluster of `make up`, and the ways into it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::Person;

/// Where the cluster is and who can reach it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The administrator's kubeconfig.
    kubeconfig: PathBuf,
    /// What `make up` left: `.cluster`.
    out: PathBuf,
    /// Somebody's own cluster (`CLUSTER=existing`): its pods cannot be reached from here.
    existing: bool,
}

impl Cluster {
    /// The cluster of `KUBECONFIG`, or else of `.cluster/kubeconfig`.
    pub fn find() -> Result<Self> {
        let out = checkout().join(".cluster");
        let kubeconfig = std::env::var_os("KUBECONFIG")
            .filter(|path| !path.is_empty())
            .map_or_else(|| out.join("kubeconfig"), PathBuf::from);
        let existing = std::env::var("CLUSTER").is_ok_and(|cluster| cluster == "existing");
        if !kubeconfig.is_file() {
            bail!("there is no cluster: {} does not exist; run `make up`", kubeconfig.display());
        }
        Ok(Self { kubeconfig, out, existing })
    }

    /// A client that acts as this person. It lives as long as the runtime it was made in.
    pub async fn client(&self, person: Person) -> Result<Client> {
        // One implementation of TLS for all clients; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = KubeConfigOptions::default();
        let own = self.kubeconfig_of(person);
        let mut config = match &own {
            Some(path) => Config::from_custom_kubeconfig(read(path)?, &options).await?,
            None => Config::from_custom_kubeconfig(read(&self.kubeconfig)?, &options).await?,
        };
        if own.is_none() {
            config.auth_info.impersonate = Some(person.name().to_owned());
            config.auth_info.impersonate_groups = Some(vec![person.group().to_owned()]);
        }
        let client = Client::try_from(config)?;
        client
            .apiserver_version()
            .await
            .with_context(|| format!("the cluster does not answer {}; run `make up`", person.name()))?;
        Ok(client)
    }

    /// This person's kubeconfig; `None` where the cluster is somebody's own and could not mint a certificate.
    fn kubeconfig_of(&self, person: Person) -> Option<PathBuf> {
        if person == Person::Admin {
            return Some(self.kubeconfig.clone());
        }
        let path = self.out.join("users").join(format!("{}.kubeconfig", person.name()));
        (path.is_file() || !self.existing).then_some(path)
    }

    /// Arguments that make kubectl act as this person.
    #[must_use]
    pub fn kubectl_arguments(&self, person: Person) -> Vec<String> {
        self.kubeconfig_of(person).map_or_else(
            || {
                vec![
                    format!("--kubeconfig={}", self.kubeconfig.display()),
                    format!("--as={}", person.name()),
                    format!("--as-group={}", person.group()),
                ]
            },
            |path| vec![format!("--kubeconfig={}", path.display())],
        )
    }

    /// The kubectl of `make up`, or that of the `PATH`.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.tool("kubectl")
    }

    /// A program of `make up`, or of the `PATH`.
    #[must_use]
    pub fn tool(&self, name: &str) -> PathBuf {
        Some(self.out.join("bin").join(name)).filter(|path| path.is_file()).unwrap_or_else(|| name.into())
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Whether pods and Services can be called from here without a detour over the API server.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        !self.existing
    }

    /// Fails where the operator is not installed: everything else would only time out.
    pub(crate) async fn ensure_installed(&self, admin: &Client) -> Result<()> {
        let groups = admin.list_api_groups().await?;
        ensure!(
            groups.groups.iter().any(|group| group.name == understudy_crds::GROUP),
            "Understudy is not installed in the cluster of {}; run `make up`",
            self.kubeconfig.display()
        );
        Ok(())
    }
}

/// The root of this checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the workspace")
}

fn read(path: &Path) -> Result<Kubeconfig> {
    Kubeconfig::read_from(path).with_context(|| format!("failed to read {}; run `make up`", path.display()))
}
