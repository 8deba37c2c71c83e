//! What an approval needs.

use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a request waits by default: a week, so that a colleague's long weekend does not end it.
fn expires_after() -> Duration {
    std::time::Duration::from_hours(168).into()
}

/// What a step needs before it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// A request that nobody decided ends after this time.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("expiresAfter must be a duration of at least 1s, for example 168h"))]
    #[schemars(length(max = 32))]
    #[serde(default = "expires_after")]
    #[schemars(extend("default" = "168h"))]
    pub expires_after: Duration,
    /// Whether Production needs a tester's `passed`.
    #[serde(default)]
    pub acceptance_test: AcceptanceTest,
    /// What the evaluation must show before Production.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["metric".into()]))]
    pub gates: Vec<Gate>,
}

impl Default for Approval {
    fn default() -> Self {
        Self { expires_after: expires_after(), acceptance_test: AcceptanceTest::default(), gates: vec![] }
    }
}

/// Whether a tester must have accepted the version in Staging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AcceptanceTest {
    /// Production waits for `passed`.
    #[default]
    Required,
    /// A verdict is recorded, and nothing waits for it.
    Optional,
}

/// A condition on one metric of the evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.min) || (has(self.notWorseThanMain) && self.notWorseThanMain)").message("a gate needs min, notWorseThanMain: true, or both"))]
pub struct Gate {
    /// Name of the metric; larger is better.
    #[schemars(length(min = 1, max = 63))]
    pub metric: String,
    /// The least value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The value must be at least that of the present main, where that one has the metric.
    #[serde(default)]
    pub not_worse_than_main: bool,
}
