//! The record of the steps that ended: who requested, who decided, when, why, on which bytes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, possible_values, stage::Stage, transition::Grant};

/// Entries in the history of a model version up to which requests are opened. No entry makes room for another.
pub const HISTORY_LIMIT: usize = 64;
/// Most entries in the history of a model version: those of requests, and those of steps without a request.
pub const HISTORY_CAPACITY: usize = 128;

/// Suffix of the id of an entry that ends an approved request. Ids in the history are unique, and the approval has that of
/// the transition.
pub const END_OF_APPROVED: &str = "-end";

/// One request or step that ended. The API server rejects every change of an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("self == oldSelf").message("entries of status.history cannot be changed"))]
pub struct HistoryEntry {
    /// Id of the transition: 12 hexadecimal digits. If an approved request ends without effect, this second entry has
    /// the same id with the suffix `-end`.
    #[schemars(length(max = limits::ID))]
    pub id: String,
    /// Stage that the version was in.
    pub from: Stage,
    /// Stage that was requested. The version reached it if `decision` is `Approved`, `Superseded`, `RolledBack` or
    /// `Retired`; after `Approved`, once it was rolled out.
    pub to: Stage,
    /// The person who requested the step or, for `Superseded` and `RolledBack`, the change of main that caused it.
    /// `understudy-operator` if nobody did.
    #[schemars(length(max = limits::PERSON))]
    pub requested_by: String,
    /// When the operator opened the request.
    pub requested_at: Time,
    /// How the request or step ended.
    #[schemars(transform = possible_values::list)]
    pub decision: Decision,
    /// The person who decided. For `Approved`, the last of those who approved. `understudy-operator` if no person did, for
    /// example after `Expired`.
    #[schemars(length(max = limits::PERSON))]
    pub decided_by: String,
    /// When the operator recorded the decision.
    pub decided_at: Time,
    /// Why it ended so: the reason that a rejecting person wrote into the annotation `understudy.dev/reason`, or a
    /// sentence of the operator. Absent for approvals, and if nobody gave a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub reason: Option<String>,
    /// Why the step was requested, in the words of the requester. Absent if nobody gave a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub comment: Option<String>,
    /// What callers of main had to change, because this version does not accept main's calls or lacks an output. Absent
    /// if every call fits both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub breaking: Option<String>,
    /// Who approved the request, when and why, in their order, also if it ended without effect. Absent in entries of older
    /// operators, whose only approver is `decidedBy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::APPROVALS))]
    pub approvals: Vec<Grant>,
    /// Digest of the artifact that was decided on: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
    /// `metadata.uid` of the `ModelDeployment` under which this was decided. One that was deleted and created again has another
    /// one, and a rollback under it needs an approval of its own. Absent in entries of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::UID))]
    pub deployment_uid: Option<String>,
    /// The `ValidatingAdmissionPolicy` that was in force at an approval. Absent for other decisions, and if the
    /// operator may not read policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReference>,
}

/// How a request or step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Decision {
    /// As many other people as must approve have approved the request.
    Approved,
    /// Somebody who may approve rejected the request.
    Rejected,
    /// The request was taken back or replaced by another one, its approval policy changed, or its `ModelDeployment` was
    /// deleted.
    Withdrawn,
    /// Nobody decided before `expiresAt`.
    Expired,
    /// The approved version did not become main within `spec.rollout.deadline` of its `ModelDeployment`. It stays in its
    /// stage.
    TimedOut,
    /// Another version was promoted to main in its place. This one is archived.
    Superseded,
    /// A rollback made this version main again, or archived it in favour of another one.
    RolledBack,
    /// Archived without an approval: requested from Staging, or its `ModelDeployment` was deleted.
    Retired,
}

impl Decision {
    /// The name as it stands in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "Approved",
            Self::Rejected => "Rejected",
            Self::Withdrawn => "Withdrawn",
            Self::Expired => "Expired",
            Self::TimedOut => "TimedOut",
            Self::Superseded => "Superseded",
            Self::RolledBack => "RolledBack",
            Self::Retired => "Retired",
        }
    }

    /// The decision in a sentence: "Staging -> Production rolled back by bob".
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::TimedOut => "timed out",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled back",
            Self::Retired => "retired",
        }
    }
}

/// The exact `ValidatingAdmissionPolicy` that was in force at an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReference {
    /// `metadata.uid` of the policy object.
    #[schemars(length(max = limits::POLICY))]
    pub uid: String,
    /// `metadata.resourceVersion` of the policy object at that time.
    #[schemars(length(max = limits::POLICY))]
    pub resource_version: String,
}
