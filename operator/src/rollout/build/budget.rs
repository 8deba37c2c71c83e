//! The `PodDisruptionBudget`: a node drain evicts main's pods one by one.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::ResourceExt;
use understudy_crds::{ModelDeployment, names};

use super::metadata::metadata;

/// The budget of main's pods. `None` for a single pod: the budget would only block the drain of its node.
pub fn budget(md: &ModelDeployment, main: Option<&str>) -> Option<PodDisruptionBudget> {
    let name = md.name_any();
    let version = main.filter(|_| md.spec.replicas > 1)?;
    Some(PodDisruptionBudget {
        metadata: metadata(md, name.clone(), names::deployment_labels(&name)),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(names::version_labels(&name, version)),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    })
}
