//! A condition as `review` and `compare` show it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;

/// The parts of a condition that people read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    /// Its type, for example `Ready`.
    pub condition: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A reason in CamelCase, for example `GateFailed`.
    pub reason: String,
    /// What the reason means on this object.
    pub message: String,
}

impl State {
    /// Takes them from the condition.
    #[must_use]
    pub fn of(condition: &Condition) -> Self {
        Self {
            condition: condition.type_.clone(),
            status: condition.status.clone(),
            reason: condition.reason.clone(),
            message: condition.message.clone(),
        }
    }
}
