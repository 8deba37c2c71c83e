//! `ModelVersion`: one immutable, digest-pinned model.
#![expect(clippy::duplicated_attributes, reason = "columns of a table are alike in type and priority")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    acceptance::Acceptance,
    artifact::{Artifact, Baseline},
    evidence::{Documentation, Evaluation, Provenance},
    failure::Failure,
    history::HistoryEntry,
    signature::ModelSignature,
    stage::Stage,
    transition::Transition,
};

/// One immutable model. Only `stage` may change, and each step of it is approved by a second person.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "understudy.dev",
    version = "v1alpha1",
    kind = "ModelVersion",
    namespaced,
    status = "ModelVersionStatus",
    shortname = "mv",
    category = "understudy",
    doc = "One immutable, digest-pinned ONNX model and the stage it is in.",
    derive = "PartialEq",
    printcolumn(name = "Deployment", type_ = "string", json_path = ".spec.deployment"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Stage", type_ = "string", json_path = ".status.stage"),
    printcolumn(name = "Pending", type_ = "string", json_path = ".status.transition.to"),
    printcolumn(name = "Requested-By", type_ = "string", json_path = ".status.transition.requestedBy"),
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
    .message("a new version starts in stage None or asks for Staging; Production is asked for once it is in Staging"))]
#[kube(validation = Rule::new(
    "self.spec.stage == oldSelf.spec.stage \
     || self.spec.stage == (has(self.status) && has(self.status.stage) ? self.status.stage : 'None') \
     || {'None': ['Staging'], 'Staging': ['Production', 'Archived'], 'Production': ['Staging', 'Archived'], \
         'Archived': ['Staging', 'Production']} \
        [has(self.status) && has(self.status.stage) ? self.status.stage : 'None'].exists(to, to == self.spec.stage)")
    .message("this step does not exist: the steps are None -> Staging -> Production or Archived, Production -> Staging or Archived, Archived -> Staging or (if it was there before) Production; or back to the present stage, which withdraws a request")
    .field_path(".spec.stage"))]
#[kube(validation = Rule::new(
    "self.spec.stage == oldSelf.spec.stage || self.spec.stage != 'Production' || !has(self.status) || !has(self.status.stage) \
     || self.status.stage != 'Archived' \
     || (has(self.status.history) && self.status.history.exists(h, h.to == 'Production' && (h.decision == 'Approved' || h.decision == 'RolledBack')))")
    .message("an archived version goes to Production only if it was there before; ask for Staging first")
    .field_path(".spec.stage"))]
#[x_kube(validation = Rule::new("has(self.documentation) == has(oldSelf.documentation) && has(self.evaluation) == has(oldSelf.evaluation) && has(self.provenance) == has(oldSelf.provenance) && has(self.baseline) == has(oldSelf.baseline)")
    .message("documentation, evaluation, provenance and baseline are neither added nor removed later: publish a new ModelVersion"))]
#[serde(rename_all = "camelCase")]
pub struct ModelVersionSpec {
    /// Name of the `ModelDeployment` that it belongs to, in the same namespace.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("deployment is immutable: publish a new ModelVersion"))]
    pub deployment: String,
    /// Semantic version, unique within the deployment, for example `1.3.0` or `1.4.0-rc.1`.
    #[schemars(length(min = 5, max = 63))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("version is immutable: publish a new ModelVersion"))]
    #[x_kube(validation = Rule::new(r"self.matches('^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$')")
        .message("version must be a semantic version such as 1.3.0 or 1.4.0-rc.1"))]
    pub version: String,
    /// The stage asked for. `status.stage` says which one it is in.
    #[serde(default)]
    pub stage: Stage,
    /// The model file.
    #[x_kube(validation = Rule::new("self == oldSelf").message("artifact is immutable: publish a new ModelVersion"))]
    pub artifact: Artifact,
    /// What the colleague reads before approving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("documentation is immutable: publish a new ModelVersion"))]
    pub documentation: Option<Documentation>,
    /// How good it is, measured before publishing; the gates look here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("evaluation is immutable: publish a new ModelVersion"))]
    pub evaluation: Option<Evaluation>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("provenance is immutable: publish a new ModelVersion"))]
    pub provenance: Option<Provenance>,
    /// What the training data looked like, feature by feature: while this version is main, its calls are compared with
    /// it. The credentials are those of `artifact.secretRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self == oldSelf").message("baseline is immutable: publish a new ModelVersion"))]
    pub baseline: Option<Baseline>,
}

/// What the operator says of a model version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(oldSelf.history) || has(self.history)").message("no entry of the history is ever removed"))]
pub struct ModelVersionStatus {
    /// The stage it is in: the only truth.
    #[serde(default)]
    pub stage: Stage,
    /// The requested step that waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<Transition>,
    /// Every step that ended, and how.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    #[x_kube(validation = Rule::new("oldSelf.all(o, self.exists(n, n.id == o.id))").message("no entry of the history is ever removed"))]
    pub history: Vec<HistoryEntry>,
    /// The tester's verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptance: Option<Acceptance>,
    /// The model's signature, as its pods read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSignature>,
    /// Where this very version can be called while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why its pods last failed to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Failure>,
    /// The generation this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The newest generation whose request has ended: the same request is not opened again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_generation: Option<i64>,
    /// `Ready`, `Reconciling`, `Stalled` (kstatus), `Serving` and, while a request waits, `Approvable`.
    #[serde(default)]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
