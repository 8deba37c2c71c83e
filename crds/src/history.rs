//! The record of the steps that ended: who requested, who decided, when, why, on which bytes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stage::Stage;

/// How many entries the history of a model version can hold. No entry is ever dropped for another: a version
/// with a full history takes no further request.
pub const HISTORY_LIMIT: usize = 64;

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
