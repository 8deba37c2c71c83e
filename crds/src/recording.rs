//! Recording: which calls are kept, where, without which columns, and for how long.

use kube::{KubeSchema, core::Duration};
use serde::{Deserialize, Serialize};

use crate::artifact::LocalSecretReference;

const fn all() -> i32 {
    100
}

/// How long a file is written to by default: small enough to look at calls soon, large enough for a reader.
fn rotate_after() -> Duration {
    std::time::Duration::from_mins(1).into()
}

/// What is kept of the calls to main.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// How many of a hundred calls are recorded.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub sample_percent: i32,
    /// Where the files go. Without it, each pod holds its newest rows in memory and nothing else is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
    /// Columns that are never recorded: names of inputs, outputs or features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub redact: Vec<String>,
    /// Files older than this are deleted from the sink. Without it they are kept for ever.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m')").message("recording.retention must be a duration of at least 1m, for example 720h; leave it out to keep everything"))]
    #[schemars(length(max = 32))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Duration>,
    /// A file is closed after this time, or when it is large, and can be read from then on.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("recording.rotateAfter must be a duration from 1s to 24h, for example 1m"))]
    #[schemars(length(max = 32))]
    #[serde(default = "rotate_after")]
    #[schemars(extend("default" = "1m"))]
    pub rotate_after: Duration,
}

/// Where records go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sink {
    /// `s3://bucket/prefix` or `pvc://claim/prefix`. Namespace and name of the `ModelDeployment` are added to it.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new("self.matches('^(s3|pvc)://[^/ ]+(/[^ ]*)?$') && !('..' in self.split('/'))")
        .message("sink.uri must be s3://bucket/prefix or pvc://claim/prefix"))]
    pub uri: String,
    /// Secret in the same namespace with the credentials for `uri`, with the keys of `artifact.secretRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}
