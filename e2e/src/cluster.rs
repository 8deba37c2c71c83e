//! The cluster of `make up`, and how to reach it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::Person;

/// The cluster and the credentials for it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The administrator's kubeconfig.
    kubeconfig: PathBuf,
    /// The folder `.cluster`, which `make up` writes.
    out: PathBuf,
    /// `CLUSTER=existing`: a cluster that `make up` did not start. Its pods cannot be reached from this machine.
    existing: bool,
}

impl Cluster {
    /// The cluster of `KUBECONFIG`; without that variable, of `.cluster/kubeconfig`.
    pub fn find() -> Result<Self> {
        let out = checkout().join(".cluster");
        let kubeconfig = std::env::var_os("KUBECONFIG")
            .filter(|path| !path.is_empty())
            .map_or_else(|| out.join("kubeconfig"), PathBuf::from);
        let existing = std::env::var("CLUSTER").is_ok_and(|cluster| cluster == "existing");
        if !kubeconfig.is_file() {
            bail!("the kubeconfig {} does not exist: run `make up`", kubeconfig.display());
        }
        Ok(Self { kubeconfig, out, existing })
    }

    /// A client of the administrator whom the guard does not stop: it bears the name of a controller of Kubernetes. So a story
    /// can edit what the operator owns, as if the guard were off.
    pub async fn client_around_the_guard(&self) -> Result<Client> {
        let config = read(&self.kubeconfig)?;
        let mut config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        config.auth_info.impersonate = Some("system:serviceaccount:kube-system:around-the-guard".to_owned());
        config.auth_info.impersonate_groups = Some(vec!["system:masters".to_owned()]);
        Ok(Client::try_from(config)?)
    }

    /// A client that acts as this person. It works only in the tokio runtime that created it.
    pub async fn client(&self, person: Person) -> Result<Client> {
        // All clients use one implementation of TLS. A second call has no effect.
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
            .with_context(|| format!("the cluster does not answer {}: run `make up`", person.name()))?;
        Ok(client)
    }

    /// This person's kubeconfig; `None` if an existing cluster did not issue a certificate.
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

    /// The kubectl of `make up`, or else that of the `PATH`.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.tool("kubectl")
    }

    /// A program of `make up`, or else of the `PATH`.
    #[must_use]
    pub fn tool(&self, name: &str) -> PathBuf {
        Some(self.out.join("bin").join(name)).filter(|path| path.is_file()).unwrap_or_else(|| name.into())
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Whether this machine can call pods and Services directly, not only through the API server's proxy.
    #[must_use]
    pub const fn is_near(&self) -> bool {
        !self.existing
    }

    /// Fails if Understudy is not installed, so that a story does not have to time out first.
    pub(crate) async fn ensure_installed(&self, admin: &Client) -> Result<()> {
        let groups = admin.list_api_groups().await?;
        ensure!(
            groups.groups.iter().any(|group| group.name == understudy_crds::GROUP),
            "Understudy is not installed in the cluster of {}: run `make up`",
            self.kubeconfig.display()
        );
        Ok(())
    }
}

/// The root of this checkout.
pub(crate) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace")
}

fn read(path: &Path) -> Result<Kubeconfig> {
    Kubeconfig::read_from(path).with_context(|| format!("failed to read {}: run `make up`", path.display()))
}
