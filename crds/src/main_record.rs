//! The record of the versions that were main.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, possible_values};

/// A version that is or was main, with the people behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MainRecord {
    /// Semantic version, for example `1.3.0`.
    #[schemars(length(max = limits::VERSION))]
    pub version: String,
    /// Name of its `ModelVersion`, which may be deleted by now.
    #[schemars(length(max = limits::OBJECT))]
    pub model_version: String,
    /// `metadata.uid` of its `ModelVersion`. A `ModelVersion` that was deleted and created again under the same name has
    /// another one. Absent in entries of older operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::UID))]
    pub uid: Option<String>,
    /// Digest of the artifact that answered callers: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
    /// The image that ran the model, by its digest. Absent for the built-in engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::IMAGE))]
    pub runtime_image: Option<String>,
    /// When this version became main.
    pub from: Time,
    /// When this version stopped being main. Absent while it is main.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// What made this version main.
    #[schemars(transform = possible_values::list)]
    pub reason: MainReason,
    /// The person who requested Production for it or, for `RolledBack`, who rolled back.
    #[schemars(length(max = limits::PERSON))]
    pub requested_by: String,
    /// The person who approved this version for Production. A rollback needs no new approval: for `RolledBack`, this is
    /// the person who approved the version originally.
    #[schemars(length(max = limits::PERSON))]
    pub approved_by: String,
    /// When the approval by `approvedBy` was recorded. Absent in entries of older operators, whose `approvedBy`
    /// for `RolledBack` is the person who rolled back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<Time>,
    /// Id of the transition that made it main, or `rollback:` and the value of the annotation
    /// `understudy.dev/rollback`.
    #[schemars(length(max = limits::CHANGE))]
    pub transition: String,
    /// What the person who rolled back wrote into the annotation `understudy.dev/reason`. Absent for `Promoted`, whose
    /// comments are in the history of the `ModelVersion`, and if nobody gave a comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub comment: Option<String>,
    /// What callers of the main before it had to change, because this version does not accept its calls or lacks an
    /// output. Absent if every call fits both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::REASON))]
    pub breaking: Option<String>,
}

/// What made a version main.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MainReason {
    /// A request for Production that a second person approved.
    Promoted,
    /// A rollback by one person, to a version that was approved for Production before.
    RolledBack,
}

impl MainReason {
    /// Every reason.
    pub const ALL: [Self; 2] = [Self::Promoted, Self::RolledBack];

    /// The reason as in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Promoted => "Promoted",
            Self::RolledBack => "RolledBack",
        }
    }
}
