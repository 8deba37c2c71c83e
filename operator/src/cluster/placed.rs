//! What a store knows of the kinds of its objects: where an object belongs, and what of it is kept.

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Pod, Service},
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::Resource;
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::labels::label;

/// An object of a store.
pub trait Placed: Resource<DynamicType = ()> {
    /// The name of its `ModelDeployment`, in its own namespace.
    fn deployment(&self) -> Option<&str>;
    /// Its version, as a label has it.
    fn version_label(&self) -> Option<String>;
    /// Removes what no pass reads, and the room that parsing has left, since a cache holds every object of the cluster.
    fn slim(&mut self) {
        slim_metadata(self.meta_mut());
    }
}

fn slim_metadata(metadata: &mut ObjectMeta) {
    metadata.managed_fields = None;
    if let Some(annotations) = metadata.annotations.as_mut() {
        // A copy of the whole object, by `kubectl apply`.
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    fit(&mut metadata.owner_references);
    fit(&mut metadata.finalizers);
}

/// Gives back the unused room of a list. A parser doubles it, and the elements of some lists have kilobytes each.
fn fit<T>(list: &mut Option<Vec<T>>) {
    list.iter_mut().for_each(Vec::shrink_to_fit);
}

impl Placed for ModelDeployment {
    fn deployment(&self) -> Option<&str> {
        self.metadata.name.as_deref()
    }

    fn version_label(&self) -> Option<String> {
        None
    }

    fn slim(&mut self) {
        slim_metadata(self.meta_mut());
        if let Some(status) = self.status.as_mut() {
            status.conditions.shrink_to_fit();
            status.staging.shrink_to_fit();
        }
    }
}

impl Placed for ModelVersion {
    fn deployment(&self) -> Option<&str> {
        Some(&self.spec.deployment)
    }

    fn version_label(&self) -> Option<String> {
        Some(names::version_label(&self.spec.version))
    }

    fn slim(&mut self) {
        slim_metadata(self.meta_mut());
        // Up to 64 KiB, for people.
        self.spec.documentation = None;
        if let Some(status) = self.status.as_mut() {
            status.conditions.shrink_to_fit();
            status.history.shrink_to_fit();
        }
    }
}

macro_rules! placed_by_labels {
    ($($kind:ty, $slim:expr;)*) => {$(
        impl Placed for $kind {
            fn deployment(&self) -> Option<&str> {
                label(self, names::DEPLOYMENT_LABEL)
            }

            fn version_label(&self) -> Option<String> {
                label(self, names::VERSION_LABEL).map(str::to_owned)
            }

            fn slim(&mut self) {
                slim_metadata(self.meta_mut());
                let slim: fn(&mut Self) = $slim;
                slim(self);
            }
        }
    )*};
}

placed_by_labels! {
    Deployment, slim_workload;
    Pod, slim_pod;
    Service, |service| service.spec.iter_mut().for_each(|spec| fit(&mut spec.ports));
    ConfigMap, |_| {};
    PodDisruptionBudget, |budget| budget.status.iter_mut().for_each(|status| fit(&mut status.conditions));
}

fn slim_workload(workload: &mut Deployment) {
    if let Some(pod) = workload.spec.as_mut().and_then(|spec| spec.template.spec.as_mut()) {
        pod.containers.shrink_to_fit();
        fit(&mut pod.volumes);
        for container in &mut pod.containers {
            fit(&mut container.env);
            fit(&mut container.ports);
            fit(&mut container.volume_mounts);
            fit(&mut container.args);
        }
    }
    workload.status.iter_mut().for_each(|status| fit(&mut status.conditions));
}

fn slim_pod(pod: &mut Pod) {
    // The largest part of a pod. Its Deployment has what the operator wants, and the status what became of it.
    pod.spec = None;
    if let Some(status) = pod.status.as_mut() {
        fit(&mut status.conditions);
        fit(&mut status.container_statuses);
    }
}
