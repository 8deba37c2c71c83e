//! `ModelDeployment`: one stable endpoint, whichever version answers.
#![expect(clippy::duplicated_attributes, reason = "columns of a table are alike in type and priority")]

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{LocalObjectReference, ResourceRequirements, Toleration},
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use kube::{CustomResource, KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Challenger, ChallengerStatus, Comparison, DriftRules, DriftStatus, Recording};

/// How long a request waits by default: a week, so that a colleague's long weekend does not end it.
fn expires_after() -> Duration {
    std::time::Duration::from_hours(168).into()
}

/// How long the previous version's pods stay by default, for a rollback in one write.
fn keep_warm() -> Duration {
    std::time::Duration::from_mins(10).into()
}

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

/// What a step needs before it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// A request that nobody decided ends after this time.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("expiresAfter must be a duration of at least 1s, for example 168h"))]
    #[schemars(length(max = 32))]
    #[serde(default = "expires_after")]
    #[schemars(extend("default" = "168h"))]
    pub expires_after: Duration,
    /// Whether Production needs a tester's `passed`.
    #[serde(default)]
    pub acceptance_test: AcceptanceTest,
    /// What the evaluation must show before Production.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["metric".into()]))]
    pub gates: Vec<Gate>,
}

impl Default for Approval {
    fn default() -> Self {
        Self { expires_after: expires_after(), acceptance_test: AcceptanceTest::default(), gates: vec![] }
    }
}

/// Whether a tester must have accepted the version in Staging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AcceptanceTest {
    /// Production waits for `passed`.
    #[default]
    Required,
    /// A verdict is recorded, and nothing waits for it.
    Optional,
}

/// A condition on one metric of the evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.min) || (has(self.notWorseThanMain) && self.notWorseThanMain)").message("a gate needs min, notWorseThanMain: true, or both"))]
pub struct Gate {
    /// Name of the metric; larger is better.
    #[schemars(length(min = 1, max = 63))]
    pub metric: String,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The value must be at least that of the present main, where that one has the metric.
    #[serde(default)]
    pub not_worse_than_main: bool,
}

/// How going back works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// How long the pods of the previous main stay after a switch.
    #[x_kube(validation = Rule::new("duration(self) >= duration('0s')").message("keepWarm must be a duration such as 10m, or 0s"))]
    #[schemars(length(max = 32))]
    #[serde(default = "keep_warm")]
    #[schemars(extend("default" = "10m"))]
    pub keep_warm: Duration,
}

impl Default for Rollback {
    fn default() -> Self {
        Self { keep_warm: keep_warm() }
    }
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

/// The version that is main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServedVersion {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// Since when it is main.
    pub since: Time,
    /// Id of the transition, or the rollback, that made it main.
    pub transition: String,
    /// Pods that are ready now.
    #[serde(default)]
    pub ready_replicas: i32,
}

/// The version that was main before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Previous {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// Until when its pods are kept for a quick rollback.
    pub warm_until: Time,
}

/// A version in Staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Staged {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Pods that are ready now.
    #[serde(default)]
    pub ready_replicas: i32,
    /// Where it can be called.
    pub url: String,
}

/// A change of main that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Semantic version that becomes main.
    pub version: String,
    /// Name of its `ModelVersion`.
    pub model_version: String,
    /// Id of the transition or the rollback.
    pub transition: String,
    /// What it waits for.
    pub message: String,
}

/// A rollback and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RollbackStatus {
    /// The annotation's value.
    #[schemars(length(max = 256))]
    pub request: String,
    /// Who asked.
    #[schemars(length(max = 256))]
    pub by: String,
    /// When the operator saw it.
    pub at: Time,
    /// What came of it.
    pub result: RollbackResult,
    /// Why.
    pub message: String,
}

/// Outcome of a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RollbackResult {
    /// Its pods are being made ready.
    Pending,
    /// It answers again.
    Done,
    /// It may not be gone back to.
    Refused,
}

/// One entry of the record of what was main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MainRecord {
    /// Semantic version.
    pub version: String,
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Digest of its artifact, `sha256:<hex>`.
    pub digest: String,
    /// From when.
    pub from: Time,
    /// To when; absent while it is main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// What made it main.
    pub reason: MainReason,
    /// Who asked for it.
    pub requested_by: String,
    /// Who allowed it; the same person in a rollback.
    pub approved_by: String,
    /// Id of the transition or the rollback.
    pub transition: String,
}

/// What made a version main.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MainReason {
    /// An approved request.
    Promoted,
    /// A rollback.
    RolledBack,
}

impl ModelDeployment {
    /// The version that is main.
    #[must_use]
    pub fn main(&self) -> Option<&ServedVersion> {
        self.status.as_ref()?.main.as_ref()
    }
}
