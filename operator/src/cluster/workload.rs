//! The Deployments of the cache.

use k8s_openapi::{
    api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::Resource;
use serde::{Deserialize, Serialize};

use super::packed::Packed;

/// A Deployment, with a packed spec: a pass reads it, and nothing between passes does.
#[derive(Resource, Clone, Debug, Serialize, Deserialize)]
#[resource(inherit = Deployment)]
#[serde(tag = "kind", rename = "Deployment", rename_all = "camelCase")]
pub struct Workload {
    #[serde(default)]
    api_version: ApiVersion,
    /// Its metadata.
    pub metadata: ObjectMeta,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spec: Option<Packed<DeploymentSpec>>,
    /// What its controller reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<DeploymentStatus>,
}

/// A list leaves it out, a write needs it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
enum ApiVersion {
    #[default]
    #[serde(rename = "apps/v1")]
    AppsV1,
}

impl Workload {
    /// Its spec.
    pub fn spec(&self) -> DeploymentSpec {
        self.spec.as_ref().map(Packed::unpack).unwrap_or_default()
    }

    /// How many pods are ready, as its controller reports it.
    pub fn ready_replicas(&self) -> i32 {
        self.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or(0)
    }
}

impl From<Deployment> for Workload {
    fn from(Deployment { metadata, spec, status }: Deployment) -> Self {
        Self { api_version: ApiVersion::AppsV1, metadata, spec: spec.as_ref().map(Packed::new), status }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::parse;

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "fraud-v1-2-0", "namespace": "risk"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": {"app": "fraud"}},
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}},
                "template": {"spec": {"containers": [{
                    "name": "server", "image": "s:1", "resources": {"limits": {"cpu": "500m"}},
                }]}},
            },
            "status": {"readyReplicas": 1},
        })
    }

    #[test]
    fn a_workload_is_written_as_it_was_read() {
        let workload: Workload = parse(deployment());
        assert_eq!(json!(workload), deployment());
        assert_eq!(json!(Workload::from(parse::<Deployment>(deployment()))), deployment());
        assert_eq!((workload.spec().replicas, workload.ready_replicas()), (Some(2), 1));
    }

    #[test]
    fn a_workload_of_a_list_is_written_with_the_api_version_and_kind_that_lists_leave_out() {
        let workload: Workload = parse(json!({"metadata": {"name": "fraud-v1-2-0"}}));
        assert_eq!(json!(workload)["apiVersion"], "apps/v1");
        assert_eq!(json!(workload)["kind"], "Deployment");
    }
}
