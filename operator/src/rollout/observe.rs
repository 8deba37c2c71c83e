//! The input of a pass over a deployment, from the caches.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::OwnerReference};
use kube::{Resource, ResourceExt, runtime::reflector::ObjectRef};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use crate::{
    cluster::{
        key::Key,
        labels::label,
        objects::Objects,
        pods::{Pods, PodsByVersion},
        received::Unreadable,
        workload::Workload,
    },
    context::Context,
    model_server::probes::Subject,
};

/// A deployment, its versions and their pods.
pub struct Observed {
    /// The deployment itself.
    pub md: Arc<ModelDeployment>,
    /// Every version that belongs to it, oldest first.
    pub versions: Vec<Arc<ModelVersion>>,
    /// The pods of its versions, without those that are being deleted.
    pub pods: Vec<Arc<Pod>>,
    /// Its versions that cannot be parsed. They and all that they run are kept as they are.
    pub unreadable: Vec<Arc<Unreadable>>,
    /// Its workloads, by name.
    pub workloads: BTreeMap<String, Arc<Workload>>,
    /// Its objects, by uid: those on record, and those that this pass has written.
    pub objects: Objects,
    by_version: PodsByVersion,
}

impl Observed {
    /// Sums up the pods of each version, once for the whole pass.
    pub fn new(
        md: Arc<ModelDeployment>,
        versions: Vec<Arc<ModelVersion>>,
        pods: Vec<Arc<Pod>>,
        workloads: BTreeMap<String, Arc<Workload>>,
    ) -> Self {
        let by_version = PodsByVersion::of(&pods);
        let known = md.status.as_ref().map_or(&[][..], |status| &status.objects);
        let objects = Objects::new(known);
        Self { md, versions, pods, unreadable: vec![], workloads, objects, by_version }
    }

    /// Its namespace.
    pub fn namespace(&self) -> String {
        self.md.namespace().unwrap_or_default()
    }

    /// Who gets a pass when a probe has another result.
    pub fn subject(&self) -> Subject {
        Subject::Deployment(Key::new(&self.namespace(), &self.md.name_any()))
    }

    /// The `ModelVersion` of this name.
    pub fn version(&self, name: &str) -> Option<&Arc<ModelVersion>> {
        self.versions.iter().find(|v| v.name_any() == name)
    }

    /// Whether an object is the deployment's: by its controller, or by the uid that the status names.
    pub fn owns<K: Resource<DynamicType = ()>>(&self, object: &K) -> bool {
        let uid = self.md.uid();
        let is_owner = |r: &OwnerReference| r.controller == Some(true) && Some(&r.uid) == uid.as_ref();
        let recorded = self.md.status.iter().flat_map(|status| &status.objects);
        object.owner_references().iter().any(is_owner)
            || recorded
                .filter(|o| o.kind == K::kind(&()) && o.name == object.name_any())
                .any(|o| Some(&o.uid) == object.uid().as_ref())
    }

    /// The version that is main by the status, if it still exists.
    pub fn current(&self) -> Option<&Arc<ModelVersion>> {
        self.version(&self.md.main()?.model_version).filter(|version| self.md.is_main(version))
    }

    /// The version that cannot be parsed and may have this number.
    pub fn unreadable(&self, number: &str) -> Option<&Arc<Unreadable>> {
        self.unreadable.iter().find(|version| version.may_be(number))
    }

    /// Whether the `ModelVersion` of main cannot be parsed. Then main stays as it is, apart from a rollback.
    pub fn main_is_unreadable(&self) -> bool {
        let main = self.md.main().map(|main| main.model_version.as_str());
        main.is_some_and(|main| self.unreadable.iter().any(|version| version.name() == main))
    }

    /// The pods of the version of this number.
    pub fn pods_of(&self, number: &str) -> &Pods {
        self.by_version.version(number)
    }
}

/// Reads the caches.
pub fn observe(md: &Arc<ModelDeployment>, ctx: &Context) -> Observed {
    let (namespace, name) = (md.namespace().unwrap_or_default(), md.name_any());
    let versions = ctx.cache.versions_of(&namespace, &name);
    let mut pods = ctx.cache.pods_of(&namespace, &name);
    pods.retain(|pod| {
        pod.metadata.deletion_timestamp.is_none() && label(pod.as_ref(), names::VERSION_LABEL).is_some()
    });
    let workloads = versions
        .iter()
        .filter_map(|v| {
            let object = names::version_object(&name, &v.spec.version);
            let found = ctx.cache.workloads.get(&ObjectRef::new(&object).within(&namespace))?;
            Some((object, found))
        })
        .collect();
    let unreadable = ctx.cache.versions.unreadable_of(&namespace, &name);
    Observed { unreadable, ..Observed::new(Arc::clone(md), versions, pods, workloads) }
}
