//! How main and challenger compare on the same calls, over all pods of main, since they became a pair.
//!
//! Every estimate has its 95 % confidence interval, so that a small sample does not look like a result.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    evaluation::{CalibrationTenth, Estimate, NumberErrors, TENTHS_LIMIT, ValueAtStake, VersionEstimates},
    limits, possible_values,
};

/// Outputs that are listed: far from the size limit of an object. Metrics have all of them.
pub const OUTPUTS_LIMIT: usize = 64;

/// Classes that are listed: 16, and all others as one.
pub const CLASSES_LIMIT: usize = 17;
/// Pairs of classes that are listed.
pub const CONFUSION_LIMIT: usize = 64;

/// How main and challenger compare on the same calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The challenger of this comparison. Another challenger begins a new comparison.
    pub challenger: Compared,
    /// The main of this comparison. Another main begins a new comparison.
    pub main: Compared,
    /// Since when calls are counted.
    pub since: Time,
    /// When the operator collected these numbers from main's pods. It collects about every 30 s; the time changes only
    /// with the numbers.
    pub at: Time,
    /// Number of rows for which both returned a prediction. A call with 100 rows counts as 100, one with more than 10,000
    /// as 10,000.
    pub pairs: i64,
    /// Number of copied calls that the challenger could have answered. Calls outside of the sample do not count, nor do
    /// copies that never left main. Calls for which the challenger's circuit was open do.
    #[serde(default)]
    pub copied: i64,
    /// Share of the copied calls that the challenger answered, with a prediction or an error, from 0 to 1. Absent without
    /// copied calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Estimate>,
    /// The challenger's share of errors less that of main, on the calls that both have answered. Absent without such calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_difference: Option<Difference>,
    /// Errors and latency of main and of the challenger, one entry each.
    #[serde(default)]
    #[schemars(length(max = 2))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["role".into()]))]
    pub roles: Vec<RoleComparison>,
    /// How similar the predictions are, one entry for each output of the model, at most 64. Metrics have all outputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = OUTPUTS_LIMIT))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub outputs: Vec<OutputComparison>,
    /// How often each of the two was right, from outcomes that callers reported. Absent until an outcome was joined to
    /// its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<Box<OutcomeComparison>>,
}

/// One of the two versions that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    /// Semantic version, for example `1.3.0`.
    #[schemars(length(max = limits::VERSION))]
    pub version: String,
    /// Digest of the version's artifact: `sha256:` and 64 hexadecimal digits.
    #[schemars(length(max = limits::DIGEST))]
    pub digest: String,
}

/// What a version does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Role {
    /// The version whose answers callers receive.
    Main,
    /// The version that receives copies of main's calls.
    Challenger,
}

/// Errors and latency of one of the two versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoleComparison {
    /// Whether this entry is main's or the challenger's.
    #[schemars(transform = possible_values::list)]
    pub role: Role,
    /// Number of copied calls that both have answered, with a prediction or an error.
    pub calls: i64,
    /// Number of these calls that ended in an error: status 429, 500 or above. Another bad request (4xx) is an error of
    /// the challenger if main answered the call, and otherwise of neither.
    pub errors: i64,
    /// Share of errors among the calls, from 0 to 1. Absent without calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_rate: Option<Estimate>,
    /// Time from the end of the request's body to the end of the inference, measured in the pod that answered. The network
    /// and the encoding of the response are not part of it. Absent without answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
}

/// Latency of the inferences of one version, from a histogram whose buckets are at most 6.25 % wide. A copy that the
/// challenger did not answer in time took at least `spec.challenger.timeout`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// Median latency in microseconds: half of the calls take no longer.
    pub p50_micros: i64,
    /// The 95 % confidence interval of the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_interval: Option<LatencyInterval>,
    /// Whether the median is larger than the number says: half of the calls were not answered in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub p50_at_least: bool,
    /// 99th percentile of the latency in microseconds: 99 of 100 calls take no longer.
    pub p99_micros: i64,
    /// The 95 % confidence interval of the 99th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_interval: Option<LatencyInterval>,
    /// Whether the 99th percentile is larger than the number says: more than one of 100 calls was not answered in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub p99_at_least: bool,
}

/// The 95 % confidence interval of a latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LatencyInterval {
    /// Lower end of the interval in microseconds.
    pub low_micros: i64,
    /// Upper end of the interval in microseconds. Absent if the calls so far do not limit it: there are too few, or too many were not
    /// answered in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_micros: Option<i64>,
}

/// How similar the predictions of both are in one output, or in one column of its scores. Labels have an agreement,
/// floating-point numbers a distance and a correlation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputComparison {
    /// Name of the output in the model. Each class of an output with scores has a column of its own: `probabilities[1]`, or
    /// `probabilities[malignant]` if the model names its classes. Of two classes only the second is compared.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub name: String,
    /// Number of pairs that cannot be compared: not a number, infinite, or of different shapes. Absent if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: i64,
    /// Share of values that are equal, from 0 to 1, for an output of strings, integers or booleans. Absent for
    /// floating-point numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Measure>,
    /// Mean absolute difference between the values of both, in the output's unit. For an output with more than 32 numbers
    /// in a row, the mean over all of them. Absent unless the output holds floating-point numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_absolute_difference: Option<Measure>,
    /// Pearson's correlation of the values of both, from -1 to 1. Absent unless the output holds floating-point numbers,
    /// at most 32 in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Measure>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// How often each of the two versions was right, on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeComparison {
    /// Number of reported outcomes that were joined to their call by its id. A call with several rows counts one for
    /// each row.
    pub joined: i64,
    /// Share of the rows that both have answered for which main was right, from 0 to 1. While the challenger has answered
    /// none of the calls with an outcome, of all rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<Measure>,
    /// Share of the rows that both have answered for which the challenger was right, from 0 to 1. Absent while there are
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Measure>,
    /// The challenger's share less that of main. Absent while there are no rows that both have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
    /// Mean recall of all classes: a version that never predicts a rare class has a high accuracy and a low balanced
    /// accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balanced_accuracy: Option<VersionEstimates>,
    /// Mean log loss: minus the natural logarithm of the score of the class that turned out to be true. Smaller is better. Absent
    /// without scores that are probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<VersionEstimates>,
    /// How often rows are of the second of two classes, by tenths of its score. Absent without such scores, and for more
    /// classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = TENTHS_LIMIT))]
    pub calibration: Vec<CalibrationTenth>,
    /// The errors of the numbers of a regression. Absent for a model with labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberErrors>,
    /// For how much of the value at stake each version was right. Absent unless outcomes have a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueAtStake>,
    /// Number of rows left out of log loss, AUC, calibration and errors: their scores are no probabilities, or their numbers are
    /// not finite. Absent if there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: i64,
    /// How well each of the two recognizes each class, by name. 16 classes are counted by themselves, and all others as
    /// `(other)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = CLASSES_LIMIT))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub classes: Vec<ClassComparison>,
    /// How many rows of a class were predicted as another one, the most frequent first, at most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = CONFUSION_LIMIT))]
    pub confusion: Vec<Confusion>,
}

/// How well each of the two versions recognizes a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassComparison {
    /// Name of the class: the text of the label. `(other)` for all classes that are not listed.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub name: String,
    /// Number of rows of this class.
    pub rows: i64,
    /// Area under the curve: how likely a row of the class has a larger score of it than another row. From 0 to 1; 0.5 is chance.
    /// Absent without scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<VersionEstimates>,
    /// How well main recognizes the class.
    #[serde(default)]
    pub main: ClassScores,
    /// How well the challenger recognizes the class.
    #[serde(default)]
    pub challenger: ClassScores,
}

/// How well a version recognizes a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClassScores {
    /// Share of its predictions of the class that were right, from 0 to 1. Absent if it never predicted the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Estimate>,
    /// Share of the rows of the class that it recognized, from 0 to 1. Absent without rows of the class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<Estimate>,
    /// Harmonic mean of precision and recall, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1: Option<Estimate>,
}

/// How many rows of a class were predicted as another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Confusion {
    /// Name of the class that rows have.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub class: String,
    /// Name of the class that was predicted.
    #[schemars(length(max = limits::TENSOR_NAME))]
    pub predicted: String,
    /// Rows for which main predicted it.
    pub main: i64,
    /// Rows for which the challenger predicted it.
    pub challenger: i64,
}

/// A difference of two shares on the same rows, with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Best estimate, to six significant digits, from -1 to 1.
    pub value: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end of the 95 % confidence interval.
    pub high: f64,
    /// How likely so large a difference is if both are equally good: the p-value of McNemar's test.
    pub p_value: f64,
    /// Number of rows that the estimate rests on.
    pub compared: i64,
}

/// An estimate with its 95 % confidence interval and the number of values behind it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// Best estimate, to six significant digits.
    pub value: f64,
    /// Lower end of the 95 % confidence interval.
    pub low: f64,
    /// Upper end of the 95 % confidence interval.
    pub high: f64,
    /// Number of values that the estimate rests on.
    pub compared: i64,
}
