//! A step from stage to stage while it waits, and the record of how it ended.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Stage;

/// How many entries the history of a model version can hold. No entry is ever dropped for another: a version
/// with a full history takes no further request.
pub const HISTORY_LIMIT: usize = 64;

/// A requested step that waits for its second person or, once approved, for its roll-out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// Random and fresh for every request; an approval names it.
    #[schemars(length(max = 32))]
    pub id: String,
    /// The stage it leaves.
    pub from: Stage,
    /// The stage it goes to.
    pub to: Stage,
    /// Who asked, as the API server authenticated them.
    #[schemars(length(max = 256))]
    pub requested_by: String,
    /// When the operator saw the request.
    pub requested_at: Time,
    /// `metadata.generation` of the request: an approval of another generation does not count.
    pub generation: i64,
    /// Digest of the artifact that was asked for, `sha256:<hex>`.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// When the request ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Which approval policy was in force when it was asked: an approval under another one does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub policy_fingerprint: Option<String>,
    /// Set once approved: the roll-out is under way, and the stage follows when the version serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Grant>,
}

/// Who allowed a step, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// The approver, as the API server authenticated them.
    #[schemars(length(max = 256))]
    pub by: String,
    /// When the operator recorded it.
    pub at: Time,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Decision {
    /// A second person allowed it.
    Approved,
    /// A second person refused it.
    Rejected,
    /// The request was taken back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
    /// Another version became main in its place.
    Superseded,
    /// A rollback brought it back, or put it away.
    RolledBack,
    /// Taken out of use: asked for from Staging, or its `ModelDeployment` was deleted.
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
            Self::Superseded => "Superseded",
            Self::RolledBack => "RolledBack",
            Self::Retired => "Retired",
        }
    }

    /// The word as it stands in a sentence: "Staging -> Production rolled back by bob".
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled back",
            Self::Retired => "retired",
        }
    }
}

/// One line of the record: never changed, never removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = kube::core::Rule::new("self == oldSelf").message("an entry of the history never changes"))]
pub struct HistoryEntry {
    /// The transition's id.
    #[schemars(length(max = 32))]
    pub id: String,
    /// The stage before.
    pub from: Stage,
    /// The stage that was asked for, or that was reached.
    pub to: Stage,
    /// Who asked.
    #[schemars(length(max = 256))]
    pub requested_by: String,
    /// When it was asked.
    pub requested_at: Time,
    /// How it ended.
    pub decision: Decision,
    /// Who decided; the operator's own name where no person did.
    #[schemars(length(max = 256))]
    pub decided_by: String,
    /// When it was decided.
    pub decided_at: Time,
    /// Why, in the words of who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Digest of the artifact, `sha256:<hex>`.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// The admission policy that was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyReference>,
}

/// Which `ValidatingAdmissionPolicy` judged the approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyReference {
    /// Its uid.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// Its resourceVersion.
    #[schemars(length(max = 64))]
    pub resource_version: String,
}
