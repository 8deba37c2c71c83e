//! What a reviewer reads before approving: documentation, evaluation, provenance.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules;

/// What a reviewer reads before approving: purpose, training data, known limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Documentation {
    /// The documentation as Markdown text, at most 65,536 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub markdown: Option<String>,
    /// Address of the documentation, alternatively or in addition to `markdown`. Understudy does not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    pub url: Option<String>,
}

/// Quality of the model on data that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    /// Name of the data that the model was evaluated on, for example `holdout-2026-10`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub dataset: Option<String>,
    /// Metrics of the evaluation, at most 64, each name once. Metric gates refer to them by name.
    #[serde(default)]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub metrics: Vec<Metric>,
}

/// One metric of the evaluation. Larger values are better.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// Name of the metric, for example `auc`, at most 63 characters.
    #[schemars(length(min = 1, max = 63))]
    #[x_kube(validation = rules::metric_name("evaluation.metrics.name"))]
    pub name: String,
    /// Value of the metric. For an error, use a form in which larger is better, for example its negative.
    pub value: f64,
}

/// Origin of a model. Understudy shows it to reviewers and does not check it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// Training run: its id or address in your experiment tracker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub run: Option<String>,
    /// Git commit of the training code, for example the full SHA-1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub git_commit: Option<String>,
    /// Name or address of the training data, for example `payments-2026-q3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub dataset: Option<String>,
}
