//! `ModelVersion`: one immutable, digest-pinned model.
#![expect(clippy::duplicated_attributes, reason = "columns of a table are alike in type and priority")]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Decision, HistoryEntry, Stage, Transition};

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

/// A file somewhere, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^(s3|https|pvc)://[^/ ]+/[^ ]+$')")
        .message("uri must be s3://bucket/key, https://host/path or pvc://claim/path"))]
    pub uri: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits. Other bytes are never served.
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
    /// Secret in the same namespace with the credentials for `uri`: keys `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`; or `token`, or `username`
    /// and `password`; `ca.crt` for an own certificate authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}

impl Artifact {
    /// The digest with its algorithm, as it stands in transitions and records: `sha256:<hex>`.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.sha256)
    }
}

/// The distributions of the training data, a JSON file pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^(s3|https|pvc)://[^/ ]+/[^ ]+$')")
        .message("baseline.uri must be s3://bucket/key, https://host/path or pvc://claim/path"))]
    pub uri: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits. Another file is not used.
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("baseline.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
}

/// A Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalSecretReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What the colleague reviews.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Documentation {
    /// The text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub markdown: Option<String>,
    /// Or where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
}

/// How good the model is on data that it has not seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Name of the data it was measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub dataset: Option<String>,
    /// The measures.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub metrics: Vec<Metric>,
}

impl Evaluation {
    /// The value of the metric of this name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|m| m.name == name).map(|m| m.value)
    }
}

/// One measure; larger is better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// For example `auc`.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// Where a model comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// The training run, in whatever tracks them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub run: Option<String>,
    /// The commit of the training code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub git_commit: Option<String>,
    /// The training data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub dataset: Option<String>,
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

/// The tester's word on a version in Staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acceptance {
    /// Passed or not.
    pub verdict: Verdict,
    /// Who says so.
    #[schemars(length(max = 256))]
    pub by: String,
    /// When the operator recorded it.
    pub at: Time,
    /// What they saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub feedback: Option<String>,
}

/// Outcome of an acceptance test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// It does what it should.
    Passed,
    /// It does not.
    Failed,
}

/// What goes into a model and what comes out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelSignature {
    /// Input tensors.
    #[schemars(length(max = 256))]
    pub inputs: Vec<TensorSpec>,
    /// Output tensors.
    #[schemars(length(max = 256))]
    pub outputs: Vec<TensorSpec>,
    /// The ONNX operator set it was written for.
    pub opset: i64,
    /// Size of the file in bytes.
    pub bytes: i64,
}

/// A tensor of the signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TensorSpec {
    /// Its name.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Open Inference Protocol datatype, for example `FP32`.
    #[schemars(length(max = 16))]
    pub datatype: String,
    /// Its shape; -1 for a dimension that varies.
    #[schemars(length(max = 32))]
    pub shape: Vec<i64>,
}

/// Why pods of a version did not come to serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// One word, for example `DigestMismatch`.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// What happened and what to do.
    #[schemars(length(max = 4096))]
    pub message: String,
    /// When.
    pub at: Time,
}

impl ModelVersion {
    /// The stage it is in.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.status.as_ref().map_or(Stage::None, |s| s.stage)
    }

    /// The step that waits or rolls out.
    #[must_use]
    pub fn transition(&self) -> Option<&Transition> {
        self.status.as_ref()?.transition.as_ref()
    }

    /// The record so far, oldest first.
    #[must_use]
    pub fn history(&self) -> &[HistoryEntry] {
        self.status.as_ref().map_or(&[], |s| &s.history)
    }

    /// The newest entry by which the bytes it names now were let into Staging by a second person.
    #[must_use]
    pub fn staging_approval(&self) -> Option<&HistoryEntry> {
        self.approval_into(Stage::Staging)
    }

    /// The newest entry by which the bytes it names now were let into Production by a second person.
    #[must_use]
    pub fn production_approval(&self) -> Option<&HistoryEntry> {
        self.approval_into(Stage::Production)
    }

    fn approval_into(&self, stage: Stage) -> Option<&HistoryEntry> {
        let digest = self.spec.artifact.digest();
        self.history()
            .iter()
            .rev()
            .find(|h| h.to == stage && h.decision == Decision::Approved && h.digest == digest)
    }

    /// Whether a change of stage is asked for that no decision has ended yet.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        let settled = self.status.as_ref().and_then(|s| s.settled_generation);
        self.spec.stage != self.stage() && self.metadata.generation != settled
    }
}
