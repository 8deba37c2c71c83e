//! `ModelDeployment`: one stable endpoint for the versions of a model.
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
    limits,
    main_record::MainRecord,
    owned::OwnedObject,
    recording::Recording,
    rollback::{Rollback, RollbackStatus},
    rollout::{Rollout, RolloutRules},
    rules,
    served::{Previous, ServedVersion, Staged},
    threads::Threads,
};

/// What serves, who may change it, and what is observed. All fields are optional: `spec: {}` is valid.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "understudy.dev",
    version = "v1alpha1",
    kind = "ModelDeployment",
    namespaced,
    status = "ModelDeploymentStatus",
    shortname = "mdep",
    category = "understudy",
    doc = "ModelDeployment is one stable endpoint for the versions of a model. Exactly one version, main, answers its callers. Versions are ModelVersions that name it in spec.deployment.",
    derive = "PartialEq",
    derive = "Default",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.main.readyReplicas",
        label_selector_path = ".status.selector"
    ),
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
    .message("metadata.name must be a DNS label, since a Service gets this name: lower-case letters, digits and '-', a letter first, no '-' at the end, at most 63 characters"))]
#[serde(rename_all = "camelCase")]
pub struct ModelDeploymentSpec {
    /// What the model is for, in one line, at most 1,024 characters. Understudy only stores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Number of pods of main, 1 to 1000. A `HorizontalPodAutoscaler` may set it: its target is this `ModelDeployment`, not
    /// a Deployment of a version, whose number of pods the operator sets. With 2 or more, a `PodDisruptionBudget` lets a node drain evict them one by
    /// one; with 1, a drain interrupts the model. A version in Staging runs one pod.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub replicas: i32,
    /// CPU and memory that each model pod requests and may use, for every version. Without it, pods have the defaults
    /// of the namespace's `LimitRange`, or none. Changing it replaces the pods one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::resources)]
    pub resources: Option<ResourceRequirements>,
    /// How runs of the model share the processors of a pod, for every version. Without it, each pod chooses by the model, its
    /// processors and its memory. Changing it replaces the pods one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<Threads>,
    /// Labels that a node must have to run model pods. Without it, pods may run on any node. Changing it replaces the
    /// pods one by one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = rules::node_selector)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that model pods tolerate, at most 32. Without it, pods avoid tainted nodes. Changing it replaces
    /// the pods one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), transform = rules::tolerations)]
    pub tolerations: Vec<Toleration>,
    /// Secrets of the same namespace for pulling the server's image, at most 16. They are added to those of the chart
    /// value `server.imagePullSecrets`. Changing it replaces the pods one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), transform = rules::image_pull_secrets)]
    pub image_pull_secrets: Vec<LocalObjectReference>,
    /// `PriorityClass` of the model pods. Without it, pods have the cluster's default priority. Changing it replaces
    /// the pods one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::OBJECT))]
    #[x_kube(validation = rules::object_name("priorityClassName"))]
    pub priority_class_name: Option<String>,
    /// What a request needs before it takes effect. Changing it requires the verb `govern` on this `ModelDeployment`.
    /// Without it, a request needs one approver, Production needs a tester's verdict and no metric, and a request ends
    /// after a week.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub approval: Approval,
    /// How a version becomes main. Without it, a change of main that is not complete after 10 minutes ends.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub rollout: RolloutRules,
    /// How a rollback to an earlier version works. Without it, the pods of the previous main are kept for 10 minutes.
    #[serde(default)]
    #[schemars(extend("default" = {}))]
    pub rollback: Rollback,
    /// The challenger: a version in Staging that receives copies of main's calls, and whose answers callers never
    /// receive. Without it, nothing is copied. Adding, changing or removing it restarts no pod of main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Challenger>,
    /// What is kept of main's calls. Changing it requires the verb `govern` on this `ModelDeployment`. Without it, nothing is kept and outcomes are rejected. Adding or removing it
    /// replaces the pods one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<Recording>,
    /// When a feature counts as drifted from the baseline of main's version. Without it, the defaults apply. If main's
    /// version has no baseline, drift is not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftRules>,
}

const fn one() -> i32 {
    1
}

/// What serves now and how it is. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelDeploymentStatus {
    /// Stable URL of the model inside the cluster: `http://<name>.<namespace>.svc`. Nothing answers there while no
    /// version is main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    pub url: Option<String>,
    /// The version that answers callers. Absent while no version is main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<ServedVersion>,
    /// Labels of main's pods, as a selector. A `HorizontalPodAutoscaler` whose target is this `ModelDeployment` finds the
    /// pods by it. Absent while no version is main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SELECTOR))]
    pub selector: Option<String>,
    /// The version that was main before the newest change of main. Absent before the first change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Versions in Staging, at most 256, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::STAGED))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["modelVersion".into()]))]
    pub staging: Vec<Staged>,
    /// The challenger that receives copies. Absent without `spec.challenger`, and while the condition `ChallengerReady`
    /// says why it receives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<ChallengerStatus>,
    /// How main and challenger compare on the same calls so far. Absent without a challenger; a change of either
    /// version begins it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// Which features drift now. Absent while main's version has no baseline or nothing was measured yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftStatus>,
    /// The change of main that is in progress. Absent while main does not change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<Rollout>,
    /// The newest rollback that was requested, and its result. Absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackStatus>,
    /// The annotation `understudy.dev/reason` when the newest rollback was requested. A later rollback has a comment only if
    /// it changes the annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub last_comment: Option<String>,
    /// Which versions were main, from when to when, and by whose request and approval: the newest 100, newest last.
    /// Entries stay when the `ModelVersion` is deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAINS))]
    pub history: Vec<MainRecord>,
    /// The objects that the operator has made for this `ModelDeployment`, at most 640, ordered by kind and name. By the uid it
    /// knows an object again that lost its owner reference or its labels, and puts it back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::OWNED))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["kind".into(), "name".into()]))]
    pub objects: Vec<OwnedObject>,
    /// `metadata.generation` of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// State of the deployment: `Deployed` (main's pods are ready), `Running` (main answers a real inference),
    /// `ApprovalPolicyActive`, `ObjectsGuarded`, `ChallengerReady`, `DataDrift` (inputs), `PredictionDrift` (outputs), and `Ready`,
    /// `Reconciling` and `Stalled` of kstatus. Those that do not apply are absent.
    #[serde(default)]
    #[schemars(length(max = limits::CONDITIONS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
