//! The kinds that doctor and report read, and the labels by which they are found.

use super::{config::Config, read::Kind};

pub(crate) const CRDS: Kind = Kind("apis/apiextensions.k8s.io/v1", "customresourcedefinitions");
pub(crate) const POLICIES: Kind = Kind("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicies");
pub(crate) const BINDINGS: Kind =
    Kind("apis/admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings");
pub(crate) const STAMPS: Kind = Kind("apis/admissionregistration.k8s.io/v1", "mutatingadmissionpolicies");
pub(crate) const STAMP_BINDINGS: Kind =
    Kind("apis/admissionregistration.k8s.io/v1", "mutatingadmissionpolicybindings");
pub(crate) const DEPLOYMENTS: Kind = Kind("apis/apps/v1", "deployments");
pub(crate) const DAEMON_SETS: Kind = Kind("apis/apps/v1", "daemonsets");
pub(crate) const PODS: Kind = Kind("api/v1", "pods");
pub(crate) const NODES: Kind = Kind("api/v1", "nodes");
pub(crate) const SERVICES: Kind = Kind("api/v1", "services");
pub(crate) const CONFIG_MAPS: Kind = Kind("api/v1", "configmaps");
pub(crate) const BUDGETS: Kind = Kind("apis/policy/v1", "poddisruptionbudgets");
pub(crate) const SLICES: Kind = Kind("apis/discovery.k8s.io/v1", "endpointslices");
pub(crate) const LEASES: Kind = Kind("apis/coordination.k8s.io/v1", "leases");
pub(crate) const VERSIONS: Kind = Kind("apis/understudy.dev/v1alpha1", "modelversions");
pub(crate) const MODEL_DEPLOYMENTS: Kind = Kind("apis/understudy.dev/v1alpha1", "modeldeployments");
/// Label of everything that the operator creates.
pub(crate) const MANAGED: &str = "app.kubernetes.io/managed-by=understudy";
/// Label of the operator's Deployment and pods.
pub(crate) const OPERATOR: &str = "app.kubernetes.io/name=understudy-operator";

/// The namespaces that the operator watches, as the argument of a list.
pub(crate) fn scopes(config: &Config) -> Vec<Option<&str>> {
    if config.watched.is_empty() {
        vec![None]
    } else {
        config.watched.iter().map(|ns| Some(ns.as_str())).collect()
    }
}
