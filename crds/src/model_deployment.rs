//! `ModelDeployment`: one stable endpoint, whichever version answers.
#![expect(clippy::duplicated_attributes, reason = "columns of a table are alike in type and priority")]

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{LocalObjectReference, ResourceRequirements, Toleration},
    apimachinery::pkg::apis::meta::v1::Condition,
};
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    approval::Approval,
    challenger::{Challenger, ChallengerStatus},
    comparison::Comparison,
    drift::{DriftRules, DriftStatus},
    main_record::MainRecord,
    recording::Recording,
    rollback::{Rollback, RollbackStatus},
    served::{Previous, Rollout, ServedVersion, Staged},
};

/// One stable endpoint for the versions of one model.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "understudy.dev",
    version = "v1alpha1",
    kind = "ModelDeployment",
    namespaced,
    status = "ModelDeploymentStatus",
    shortname = "mdep",
    category = "understudy",
    doc = "One stable endpoint for the versions of one model.",
    derive = "PartialEq",
    derive = "Default",
    printcolumn(name = "Main", type_ = "string", json_path = ".status.main.version"),
    printcolumn(name = "Challenger", type_ = "string", json_path = ".status.challenger.version"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".status.main.readyReplicas"),
    printcolumn(
        name = "Deployed",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Deployed')].status"
    ),
    printcolumn(
        name = "Running",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Running')].status"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url", priority = 1),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        priority = 1
    )
)]
#[kube(validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 63")
    .message("the name becomes a Service's name: lower-case letters, digits and '-', a letter first, at most 63 characters"))]
#[serde(rename_all = "camelCase")]
pub struct ModelDeploymentSpec {
    /// What it is for, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Pods of main. A version in Staging runs one.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
    /// Compute resources of each pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Nodes that its pods may run on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that its pods tolerate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub tolerations: Vec<Toleration>,
    /// Secrets for pulling the server's image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// Priority class of its pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub priority_class_name: Option<String>,
    /// What an approval needs. Changing it takes the verb `govern`.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub approval: Approval,
    /// How going back works.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub rollback: Rollback,
    /// The version that gets copies of main's calls, and whose answers callers never see. Adding, changing or removing
    /// it restarts no pod of main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Challenger>,
    /// What is kept of the calls. Without it, nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// When calls count as drifted from the baseline of main's version. Without it, the defaults apply where there is
    /// a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftRules>,
}

const fn one() -> i32 {
    1
}

/// What the operator says of a model deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelDeploymentStatus {
    /// The URL that callers use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The version that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<ServedVersion>,
    /// The version that answered before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Versions in Staging.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["modelVersion".into()]))]
    pub staging: Vec<Staged>,
    /// The challenger, once it is accepted and gets copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<ChallengerStatus>,
    /// How main and challenger compare so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What drifts now, where main's version has a baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,
    /// The change of main that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// The newest rollback that was asked for, and what came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackStatus>,
    /// What was main, from when to when, by whom; newest last, the newest 100. Survives the versions themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub history: Vec<MainRecord>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Deployed`, `Running`, `ApprovalPolicyActive`, where they make sense `ChallengerReady`, `DataDrift` (inputs) and
    /// `PredictionDrift` (outputs), and `Ready`, `Reconciling`, `Stalled` (kstatus).
    #[serde(default)]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
