//! What a request needs before it takes effect, in addition to a second person.

use kube::{KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{possible_values, rules};

/// How long a request waits by default: a week, so that it survives a long weekend.
fn expires_after() -> Duration {
    std::time::Duration::from_hours(168).into()
}

const fn one() -> i32 {
    1
}

/// What a request needs before it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// How long a request waits for a decision before it ends as `Expired`: a duration of at least `1s`, for example
    /// `72h`. The chart value `approval.minimums.maxExpiresAfter` can set a shorter limit. It applies to requests that
    /// are opened after a change.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s')").message("approval.expiresAfter must be a duration of at least 1s, for example 168h"))]
    #[schemars(length(max = 32))]
    #[serde(default = "expires_after")]
    #[schemars(extend("default" = "168h"))]
    pub expires_after: Duration,
    /// Number of people who must approve a request, 1 to 5, in addition to the one who requests it. A request by a service
    /// account needs one more. The chart value `approval.minimums.approvers` can require more everywhere. A request that
    /// is open keeps a larger number.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 5))]
    pub approvers: i32,
    /// Whether a version needs the verdict of a tester before it can be approved for Production. The chart value
    /// `approval.minimums.acceptanceTest` can require it everywhere.
    #[serde(default)]
    #[schemars(transform = possible_values::list)]
    pub acceptance_test: AcceptanceTest,
    /// Metric gates: conditions on `spec.evaluation` of the `ModelVersion` that must hold before it can be approved for
    /// Production, at most 32, one for each metric. Without any, metrics are not checked, unless the chart value
    /// `approval.minimums.gates` has some. A rollback does not check them.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["metric".into()]))]
    pub gates: Vec<Gate>,
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            expires_after: expires_after(),
            approvers: one(),
            acceptance_test: AcceptanceTest::default(),
            gates: vec![],
        }
    }
}

/// Whether a version needs the verdict of a tester before Production.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AcceptanceTest {
    /// An approval for Production takes effect once a tester has accepted the version in Staging (`passed`).
    #[default]
    Required,
    /// A verdict is recorded, but an approval does not wait for it.
    Optional,
}

/// A metric gate: a condition on one metric of the evaluation. It needs `min`, `notWorseThanMain` or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.min) || (has(self.notWorseThanMain) && self.notWorseThanMain)").message("a metric gate must set min, or notWorseThanMain: true, or both"))]
pub struct Gate {
    /// Name of the metric in `spec.evaluation.metrics`, for example `auc`. Larger values are better. A version without
    /// this metric does not pass.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::metric_name("approval.gates.metric"))]
    pub metric: String,
    /// Smallest value that passes. Without it, any value passes that `notWorseThanMain` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Whether the value must be at least as large as that of the present main. A main without this metric, or no main,
    /// lets every value pass.
    #[serde(default)]
    pub not_worse_than_main: bool,
}
