//! What a store knows of the kinds of its objects: where an object belongs, and what of it is kept.

use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, Service},
    policy::v1::PodDisruptionBudget,
};
use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::{labels::label, pods, workload::Workload};

/// An object of a store.
pub trait Placed: Resource<DynamicType = ()> + Serialize + DeserializeOwned {
    /// Whether the store keeps it packed. Passes read it, and nothing reads all objects of its kind.
    const IS_PACKED: bool = false;
    /// The name of its `ModelDeployment`, in its own namespace.
    fn deployment(&self) -> Option<&str>;
    /// Its version, as a label has it.
    fn version_label(&self) -> Option<String>;
    /// Removes what no pass reads, apart from what [`slim`] removes of every kind.
    fn slim_kind(&mut self) {}
}

/// Removes what no pass reads, since a cache holds every object of the cluster.
pub fn slim<K: Placed>(object: &mut K) {
    let metadata = object.meta_mut();
    metadata.managed_fields = None;
    if let Some(annotations) = metadata.annotations.as_mut() {
        // A copy of the whole object, by `kubectl apply`.
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    object.slim_kind();
}

impl Placed for ModelDeployment {
    fn deployment(&self) -> Option<&str> {
        self.metadata.name.as_deref()
    }

    fn version_label(&self) -> Option<String> {
        None
    }
}

impl Placed for ModelVersion {
    fn deployment(&self) -> Option<&str> {
        Some(&self.spec.deployment)
    }

    fn version_label(&self) -> Option<String> {
        Some(names::version_label(&self.spec.version))
    }

    fn slim_kind(&mut self) {
        // Up to 64 KiB and 1 KiB, for people.
        self.spec.documentation = None;
        self.spec.provenance = None;
    }
}

macro_rules! placed_by_labels {
    ($($kind:ty { $($own:item)* })*) => {$(
        impl Placed for $kind {
            fn deployment(&self) -> Option<&str> {
                label(self, names::DEPLOYMENT_LABEL)
            }

            fn version_label(&self) -> Option<String> {
                label(self, names::VERSION_LABEL).map(str::to_owned)
            }

            $($own)*
        }
    )*};
}

placed_by_labels! {
    Workload {}
    Service {
        const IS_PACKED: bool = true;
    }
    ConfigMap {
        const IS_PACKED: bool = true;
    }
    PodDisruptionBudget {
        const IS_PACKED: bool = true;
    }
    Pod {
        const IS_PACKED: bool = true;

        fn slim_kind(&mut self) {
            // Its Deployment has what the operator wants, its labels say where it belongs.
            self.spec = None;
            self.metadata.owner_references = None;
            self.status = self.status.take().map(pods::read_part);
        }
    }
}
