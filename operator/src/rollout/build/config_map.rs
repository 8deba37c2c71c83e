//! The ConfigMap that tells running pods who is main, without a restart.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use serde_json::json;
use understudy_crds::{ModelDeployment, names};

use super::metadata;

/// `routing.json`: `{"main": "1.3.0"}`, or `null` while no version is main.
pub fn routing(md: &ModelDeployment, main: Option<&str>) -> ConfigMap {
    let name = md.name_any();
    let content = json!({ "main": main }).to_string();
    ConfigMap {
        metadata: metadata(md, names::routing(&name), names::deployment_labels(&name)),
        data: Some([("routing.json".to_owned(), content)].into()),
        ..ConfigMap::default()
    }
}
