//! `ModelVersion`: one immutable model file, pinned by its digest.
#![expect(clippy::duplicated_attributes, reason = "columns of a table are alike in type and priority")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    acceptance::Acceptance,
    artifact::{Artifact, Baseline},
    evidence::{Documentation, Evaluation, Provenance},
    examples::Examples,
    failure::Failure,
    history::{HISTORY_CAPACITY, HistoryEntry},
    limits, possible_values,
    preprocessing::{MAX_GRAPHS, PreprocessingGraph},
    rules,
    runtime::Runtime,
    signature::ModelSignature,
    stage::Stage,
    transition::Transition,
};

/// The model file and what belongs to it. All but `stage` is immutable: publish a new `ModelVersion` instead.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "understudy.dev",
    version = "v1alpha1",
    kind = "ModelVersion",
    namespaced,
    status = "ModelVersionStatus",
    shortname = "mv",
    category = "understudy",
    doc = "ModelVersion is one immutable model, pinned by its digest, and the stage that it is in. Each step to another stage is requested by one person and approved by another.",
    derive = "PartialEq",
    printcolumn(name = "Deployment", type_ = "string", json_path = ".spec.deployment"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Stage", type_ = "string", json_path = ".status.stage"),
    printcolumn(name = "Pending", type_ = "string", json_path = ".status.transition.to"),
    printcolumn(name = "Requested-By", type_ = "string", json_path = ".status.transition.requestedBy"),
    printcolumn(name = "Approved", type_ = "string", json_path = ".status.transition.approved"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Transition", type_ = "string", json_path = ".status.transition.id", priority = 1),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason",
        priority = 1
    )
)]
#[kube(validation = Rule::new("self.spec.stage in ['None', 'Staging'] || has(self.status)")
    .message("a new ModelVersion must have spec.stage None or Staging; request Production once it is in Staging"))]
#[kube(validation = Rule::new(
    "self.spec.stage == oldSelf.spec.stage \
     || self.spec.stage == (has(self.status) && has(self.status.stage) ? self.status.stage : 'None') \
     || {'None': ['Staging'], 'Staging': ['Production', 'Archived'], 'Production': ['Staging', 'Archived'], \
         'Archived': ['Staging', 'Production']} \
        [has(self.status) && has(self.status.stage) ? self.status.stage : 'None'].exists(to, to == self.spec.stage)")
    .message("this step does not exist: the steps are None -> Staging, Staging -> Production or Archived, Production -> Staging or Archived, Archived -> Staging, and Archived -> Production if it was there before; to withdraw a request, set spec.stage back to status.stage")
    .field_path(".spec.stage"))]
#[kube(validation = Rule::new(
    "self.spec.stage == oldSelf.spec.stage || self.spec.stage != 'Production' || !has(self.status) || !has(self.status.stage) \
     || self.status.stage != 'Archived' \
     || (has(self.status.history) && self.status.history.exists(h, h.from == 'Production' || (h.to == 'Production' && h.decision == 'RolledBack')))")
    .message("an archived version can return to Production only if it was there before: request Staging first")
    .field_path(".spec.stage"))]
#[x_kube(validation = Rule::new("has(self.documentation) == has(oldSelf.documentation) && has(self.evaluation) == has(oldSelf.evaluation) && has(self.provenance) == has(oldSelf.provenance) && has(self.baseline) == has(oldSelf.baseline) && has(self.examples) == has(oldSelf.examples) && has(self.preprocessing) == has(oldSelf.preprocessing) && has(self.runtime) == has(oldSelf.runtime)")
    .message("documentation, evaluation, provenance, baseline, examples, preprocessing and runtime cannot be added or removed later: publish a new ModelVersion"))]
#[x_kube(validation = Rule::new("!has(self.runtime) || !has(self.preprocessing)")
    .message("runtime and preprocessing exclude each other: the graphs of preprocessing run in the built-in engine, and an image of runtime has its own preparation of inputs"))]
#[serde(rename_all = "camelCase")]
pub struct ModelVersionSpec {
    /// Name of the `ModelDeployment` that serves this version, in the same namespace. While it does not exist, requests
    /// wait with the reason `DeploymentNotFound`.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::deployment_name())]
    #[x_kube(validation = Rule::new("self == oldSelf").message("deployment is immutable: publish a new ModelVersion"))]
    pub deployment: String,
    /// Semantic version, for example `1.3.0` or `1.4.0-rc.1`, at most 63 characters. Of two `ModelVersions` with the
    /// same version in one deployment, only the older one is served.
    #[schemars(length(min = 5, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("version is immutable: publish a new ModelVersion"))]
    #[x_kube(validation = Rule::new(r"self.matches('^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$')")
        .message("version must be a semantic version such as 1.3.0 or 1.4.0-rc.1"))]
    pub version: String,
    /// Stage that is requested. `status.stage` is the stage that it is in. Setting it back to `status.stage` withdraws
    /// a request.
    #[serde(default)]
    #[schemars(transform = possible_values::list)]
    pub stage: Stage,
    /// The model: one file, at most 2 GiB. Without `runtime`, it is ONNX with its weights inside.
    #[x_kube(validation = Rule::new("self == oldSelf").message("artifact is immutable: publish a new ModelVersion"))]
    pub artifact: Artifact,
    /// What a reviewer reads before approving. Without it, a reviewer has no description of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("documentation is immutable: publish a new ModelVersion"))]
    pub documentation: Option<Documentation>,
    /// Quality of the model, measured before publishing. Metric gates check it. Without it, a version does not pass any
    /// metric gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("evaluation is immutable: publish a new ModelVersion"))]
    pub evaluation: Option<Evaluation>,
    /// Origin of the model: run, commit and data of the training, for reviewers and auditors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("provenance is immutable: publish a new ModelVersion"))]
    pub provenance: Option<Provenance>,
    /// Distribution of the training data, feature by feature. While this version is main, its calls are compared with
    /// it. Without it, drift is not measured. With one that does not fit the model, pods do not start
    /// (`InvalidBaseline`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("baseline is immutable: publish a new ModelVersion"))]
    pub baseline: Option<Baseline>,
    /// Requests with their expected answers. Each pod sends them to the model before it is ready, and serves only if the
    /// model reproduces every answer (`ExamplesDiffer`). The operator's probe uses one of them. Without examples, a pod
    /// tries synthetic inputs. If none works, Production requires a call that this version answered in Staging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("examples is immutable: publish a new ModelVersion"))]
    pub examples: Option<Examples>,
    /// ONNX graphs that run before the model in the same process, in this order, at most 4. They are joined by the names of
    /// their tensors: a graph, and the model, takes an input from an output of an earlier graph, and otherwise from the caller.
    /// Callers, examples, baseline and records have the inputs that no graph produces. What does not fit is found when a pod
    /// loads them (`InvalidModel`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = MAX_GRAPHS))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("preprocessing is immutable: publish a new ModelVersion"))]
    pub preprocessing: Vec<PreprocessingGraph>,
    /// An image that runs the model instead of the built-in engine: a server of Python models, a JVM image with H2O and PMML, or your own. Then
    /// `artifact` may be any file, and the image gets it as `/mnt/models/<file name>`. Without it, the built-in engine runs the
    /// model, which must be ONNX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("runtime is immutable: publish a new ModelVersion"))]
    pub runtime: Option<Runtime>,
}

/// The stage, the open request, the record and the pods of this version. Only the operator writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(oldSelf.history) || has(self.history)").message("entries of status.history cannot be removed"))]
pub struct ModelVersionStatus {
    /// Stage that this version is in. `spec.stage` is only a request.
    #[serde(default)]
    #[schemars(transform = possible_values::list)]
    pub stage: Stage,
    /// The request that waits for an approval or, once approved, for its roll-out. Absent while nothing is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// Every request and step that ended, and how, newest last. Entries are never changed or removed. With 61 entries no
    /// request is opened any more. The others, up to 128, are for steps without a request: rollbacks, and another
    /// version that becomes main. After that, such a step still happens. It is announced as an event and in the log, and
    /// has no entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = HISTORY_CAPACITY))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    #[x_kube(validation = Rule::new("(self + oldSelf).size() == self.size()").message("entries of status.history cannot be removed"))]
    pub history: Vec<HistoryEntry>,
    /// Verdict of the tester on this version in Staging. A new verdict replaces it. Absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// Inputs and outputs of the model, as its first ready pod reported them. Absent until a pod was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSignature>,
    /// URL of this version's own Service inside the cluster, for testers. Absent while the version has no pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::URL))]
    pub url: Option<String>,
    /// Why a pod of this version failed to serve, the newest failure. It stays after the failure is over. Absent if
    /// none failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Failure>,
    /// `metadata.uid` of the `ModelDeployment` under which stage and request were decided. If that one was deleted and
    /// another one has its name, the version is retired as after the deletion. Absent in the status of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::UID))]
    pub deployment_uid: Option<String>,
    /// The annotation `understudy.dev/reason` when the newest act was recorded. A later act has a comment only if it changes
    /// the annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub last_comment: Option<String>,
    /// `metadata.generation` of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `metadata.generation` of the newest request that ended. A request of this generation is not opened again: change
    /// `spec.stage` to request anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_generation: Option<i64>,
    /// State of the version: `Serving` (its pods answer), `Approvable` (while a request waits: whether an approval
    /// would take effect), `Proven` (whether the model is known to answer, for a version with examples or whose warm-up
    /// failed), and `Ready`, `Reconciling` and `Stalled` of kstatus. Those that do not apply are absent.
    #[serde(default)]
    #[schemars(length(max = limits::CONDITIONS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
