//! A step from stage to stage while it is open.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, stage::Stage};

/// A requested step that waits for its approvals or, once approved, for its roll-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// Id of the request: 12 hexadecimal digits, chosen at random for each request. An approval or rejection names it
    /// in the annotation `understudy.dev/approve` or `understudy.dev/reject`.
    #[schemars(length(max = limits::ID))]
    pub id: String,
    /// Stage that the version is in.
    pub from: Stage,
    /// Stage that is requested, from `spec.stage`.
    pub to: Stage,
    /// The person who requested the step, from the annotation `understudy.dev/requested-by`. The approval policy admits
    /// only the writer's own name.
    #[schemars(length(max = limits::PERSON))]
    pub requested_by: String,
    /// When the operator opened the request.
    pub requested_at: Time,
    /// `metadata.generation` of the version when the request was opened. A later change of the spec ends the request,
    /// and an approval then has no effect.
    pub generation: i64,
    /// Digest of the artifact that is requested: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
    /// When the request ends as `Expired` unless somebody decides: `requestedAt` and `spec.approval.expiresAfter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Identity of the approval policy and its binding when the request was opened: uid and generation of both. If
    /// either changed since, an approval has no effect and the request is opened anew. Absent if the operator may not
    /// read policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::FINGERPRINT))]
    pub policy_fingerprint: Option<String>,
    /// Why the step is requested, in the words of the requester, from the annotation `understudy.dev/reason`. Absent if
    /// nobody gave a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub comment: Option<String>,
    /// What callers of main have to change if this version replaces it, because it does not accept main's calls or lacks
    /// an output. Absent if every call fits both, if no version is main, or if a signature is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub breaking: Option<String>,
    /// Number of people who must approve: `spec.approval.approvers` or the minimum of the cluster, and one more if a
    /// service account requested the step. Each of them approves by a write of their own.
    #[serde(default = "one")]
    pub approvers: i32,
    /// The approvals so far, in their order. Nobody counts twice, and the requester does not count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::APPROVALS))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["by".into()]))]
    pub approvals: Vec<Grant>,
    /// How many people have approved, and how many must, for example `1 of 2`. Absent in the status of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::ID))]
    pub approved: Option<String>,
    /// The approval that was the last one needed. Absent until then. With it, the roll-out is in progress, and the stage
    /// follows when the version serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Grant>,
}

const fn one() -> i32 {
    1
}

/// Who approved a step, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The approver, from the annotation `understudy.dev/approved-by`. The approval policy admits only the writer's own
    /// name, and nobody approves their own request.
    #[schemars(length(max = limits::PERSON))]
    pub by: String,
    /// When the operator recorded the approval.
    pub at: Time,
    /// Why, in the words of the approver, from the annotation `understudy.dev/reason`. Absent if nobody gave a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub comment: Option<String>,
}
