//! The objects of a `ModelDeployment`, one file a kind. All pure.

mod budget;
mod config_map;
mod service;
mod volumes;
mod workload;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use understudy_crds::ModelDeployment;

pub use budget::budget;
pub use config_map::{Routing, config_map};
pub use service::{challenger_service, main_service, peers_service, version_service};
pub use workload::workload;

/// Name, labels and owner of an object of `md`: it goes when `md` goes.
fn metadata(md: &ModelDeployment, name: String, labels: BTreeMap<String, String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: md.namespace(),
        labels: Some(labels),
        owner_references: md.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod golden_tests;
