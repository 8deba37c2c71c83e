//! The connection to the cluster: its client, its namespace, its user.

use std::collections::BTreeMap;

use kube::{
    Api, Client, Config, ResourceExt,
    api::{ListParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use understudy_crds::{ModelDeployment, ModelVersion, Transition};

use crate::{
    error::Error,
    globals::{Format, Globals},
    identity::{Act, Identity},
    name::VersionName,
    write::{Target, Write},
};

/// The name of this tool in `managedFields`.
const FIELD_MANAGER: &str = "kubectl-understudy";
/// Objects in one response of the API server.
const PAGE: u32 = 500;

/// A connection, with the flags that it was made from.
pub struct Session {
    /// The client of the API server.
    pub client: Client,
    /// The namespace of all names on the command line.
    pub namespace: String,
    /// The flags of every subcommand.
    pub globals: Globals,
}

impl Session {
    /// Reads the kubeconfig as kubectl does. Sends nothing to the cluster.
    pub async fn connect(globals: Globals) -> Result<Self, Error> {
        let mut config = configuration(&globals).await?;
        if let Some(user) = &globals.as_user {
            config.auth_info.impersonate = Some(user.clone());
            config.auth_info.impersonate_groups = Some(globals.as_group.clone()).filter(|g| !g.is_empty());
        }
        let namespace = globals.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|e| Error::Client(Box::new(e)))?;
        Ok(Self { client, namespace, globals })
    }

    /// Whether to print JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        self.globals.output == Format::Json
    }

    /// The versions of the namespace.
    #[must_use]
    pub fn versions(&self) -> Api<ModelVersion> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The deployments of the namespace.
    #[must_use]
    pub fn deployments(&self) -> Api<ModelDeployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The acting user.
    pub async fn me(&self, act: Act) -> Result<Identity, Error> {
        Identity::ask(&self.client).await.map_err(Error::api(act))
    }

    /// Whether the API server serves `MutatingAdmissionPolicy` (Kubernetes 1.36), by which the chart writes the name of
    /// the acting user into the annotations. Every authenticated user may read this. False if the request fails.
    pub async fn stamps_names(&self) -> bool {
        let served = self.client.list_api_group_resources("admissionregistration.k8s.io/v1").await;
        served.is_ok_and(|list| list.resources.iter().any(|r| r.name == "mutatingadmissionpolicies"))
    }

    /// The version of this name.
    pub async fn version(&self, name: &VersionName) -> Result<ModelVersion, Error> {
        let VersionName::Numbered { deployment, version } = name else {
            return self.versions().get(&name.object()).await.map_err(Error::api(Act::Read));
        };
        // The usual name is deployment-version: one small read before the whole list.
        let usual = self.versions().get_opt(&name.object()).await.map_err(Error::api(Act::Read))?;
        if let Some(usual) =
            usual.filter(|mv| mv.spec.deployment == *deployment && mv.spec.version == *version)
        {
            return Ok(usual);
        }
        let all = self.versions().list(&ListParams::default()).await.map_err(Error::api(Act::Read))?;
        let found = all
            .items
            .into_iter()
            .filter(|mv| mv.spec.deployment == *deployment && mv.spec.version == *version);
        // If two objects have the same version, the older one counts, for the operator too.
        found.min_by_key(|mv| mv.metadata.creation_timestamp.as_ref().map(|t| t.0)).ok_or_else(|| {
            Error::Refused(format!(
                "version {version} of {deployment} does not exist in namespace {}; kubectl understudy list shows all versions",
                self.namespace
            ))
        })
    }

    /// Sends one patch.
    pub async fn write(&self, act: Act, write: &Write) -> Result<Written, Error> {
        let (name, patch) = (&write.name, Patch::Merge(write.patch()));
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let author = |annotations: &BTreeMap<String, String>| {
            write.author().and_then(|(key, _)| annotations.get(key).cloned())
        };
        match write.target {
            Target::Version => {
                let written = self.versions().patch(name, &params, &patch).await.map_err(Error::api(act))?;
                Ok(Written {
                    generation: written.metadata.generation,
                    author: author(written.annotations()),
                    transition: written.transition().cloned(),
                })
            }
            Target::Deployment => {
                let written =
                    self.deployments().patch(name, &params, &patch).await.map_err(Error::api(act))?;
                Ok(Written {
                    generation: written.metadata.generation,
                    author: author(written.annotations()),
                    transition: None,
                })
            }
        }
    }

    /// The flags by which plain kubectl acts in the same namespace of the same cluster as the same user.
    #[must_use]
    pub fn kubectl_flags(&self) -> Vec<String> {
        let g = &self.globals;
        let mut flags = vec!["-n".to_owned(), self.namespace.clone()];
        let mut put = |flag: &str, value: &str| flags.extend([flag.to_owned(), value.to_owned()]);
        if let Some(context) = &g.context {
            put("--context", context);
        }
        if let Some(path) = &g.kubeconfig {
            put("--kubeconfig", &path.display().to_string());
        }
        if let Some(user) = &g.as_user {
            put("--as", user);
        }
        for group in &g.as_group {
            put("--as-group", group);
        }
        flags
    }
}

/// The object after a patch.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Its `metadata.generation`.
    pub generation: Option<i64>,
    /// The name of the person who acted. The API server may have written it over the one in the patch.
    pub author: Option<String>,
    /// Its open request, as the operator recorded it so far.
    pub transition: Option<Transition>,
}

/// Every object of the API, read page by page.
pub async fn all<K>(api: Api<K>) -> Result<Vec<K>, Error>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let mut items = vec![];
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await.map_err(Error::api(Act::Read))?;
        items.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(items),
        }
    }
}

async fn configuration(globals: &Globals) -> Result<Config, Error> {
    let kubeconfig = |e| Error::Kubeconfig(Box::new(e));
    let options = KubeConfigOptions { context: globals.context.clone(), ..KubeConfigOptions::default() };
    match (&globals.kubeconfig, &globals.context) {
        (Some(path), _) => {
            let read = Kubeconfig::read_from(path).map_err(kubeconfig)?;
            Config::from_custom_kubeconfig(read, &options).await.map_err(kubeconfig)
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(kubeconfig),
        // Without either, the service account of the pod is used, as by kubectl.
        (None, None) => Config::infer().await.map_err(|e| Error::Infer(Box::new(e))),
    }
}
