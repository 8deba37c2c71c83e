//! The acceptance test: the verdict of a tester on a version in Staging.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, possible_values};

/// The verdict of a tester on a version in Staging.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acceptance {
    /// Whether the version passed the acceptance test, from the annotation `understudy.dev/accept`.
    #[schemars(transform = possible_values::list)]
    pub verdict: Verdict,
    /// The tester, from the annotation `understudy.dev/accepted-by`. The approval policy admits only the writer's own
    /// name.
    #[schemars(length(max = limits::PERSON))]
    pub by: String,
    /// When the operator recorded the verdict.
    pub at: Time,
    /// What the tester observed, from the annotation `understudy.dev/feedback`, at most 4,096 characters. Absent if the
    /// tester left none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::FEEDBACK))]
    pub feedback: Option<String>,
}

/// The result of an acceptance test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// The version does what it should. It can be approved for Production.
    Passed,
    /// The version does not do what it should. Where `spec.approval.acceptanceTest` is `Required`, it cannot be
    /// approved for Production.
    Failed,
}
