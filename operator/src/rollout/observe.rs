//! What a pass over a deployment looks at, all from the cache.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{ResourceExt, runtime::reflector::ObjectRef};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use crate::{cluster::labels::label, context::Context};

/// A deployment, its versions and their pods.
pub struct Observed {
    /// The deployment itself.
    pub md: Arc<ModelDeployment>,
    /// Every version that belongs to it, oldest first.
    pub versions: Vec<Arc<ModelVersion>>,
    /// Its pods, by version label, those on their way out left aside.
    pub pods: BTreeMap<String, Vec<Arc<Pod>>>,
    /// Its workloads, by name.
    pub workloads: BTreeMap<String, Arc<Deployment>>,
}

impl Observed {
    /// Its namespace.
    pub fn namespace(&self) -> String {
        self.md.namespace().unwrap_or_default()
    }

    /// The `ModelVersion` of this name.
    pub fn version(&self, name: &str) -> Option<&Arc<ModelVersion>> {
        self.versions.iter().find(|v| v.name_any() == name)
    }

    /// The pods of a version.
    pub fn pods_of(&self, version: &str) -> &[Arc<Pod>] {
        self.pods.get(&names::version_label(version)).map_or(&[], Vec::as_slice)
    }
}

/// Reads the caches.
pub fn observe(md: &Arc<ModelDeployment>, ctx: &Context) -> Observed {
    let (namespace, name) = (md.namespace().unwrap_or_default(), md.name_any());
    let versions = ctx.cache.versions_of(&namespace, &name);
    let mut pods: BTreeMap<String, Vec<Arc<Pod>>> = BTreeMap::new();
    for pod in ctx.cache.pods_of(&namespace, &name) {
        if pod.metadata.deletion_timestamp.is_some() {
            continue;
        }
        if let Some(version) = label(pod.as_ref(), names::VERSION_LABEL) {
            pods.entry(version.to_owned()).or_default().push(pod.clone());
        }
    }
    let workloads = versions
        .iter()
        .filter_map(|v| {
            let object = names::version_object(&name, &v.spec.version);
            let found = ctx.cache.workloads.get(&ObjectRef::new(&object).within(&namespace))?;
            Some((object, found))
        })
        .collect();
    Observed { md: md.clone(), versions, pods, workloads }
}
