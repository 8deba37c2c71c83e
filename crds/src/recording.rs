//! Recording: which calls are kept, where, without which columns, and for how long.

use kube::{KubeSchema, core::Duration};
use serde::{Deserialize, Serialize};

use crate::{artifact::LocalSecretReference, rules};

const fn all() -> i32 {
    100
}

/// Elements that a column of a row has at most by default: enough for an embedding, and too few for an image.
const fn max_elements() -> i32 {
    4096
}

/// How long a file stays open by default: short enough to see calls soon, long enough for files of a useful size.
fn rotate_after() -> Duration {
    std::time::Duration::from_mins(1).into()
}

/// What is kept of the calls to main: one row a call, with the request, main's answer and the challenger's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// Percentage of main's calls that are recorded, 0 to 100, evenly spread. Comparison and drift do not
    /// depend on it.
    #[serde(default = "all")]
    #[schemars(range(min = 0, max = 100))]
    pub sample_percent: i32,
    /// Where the records are stored as Parquet files. Without it, each pod of main keeps its newest 1,000 rows (at most
    /// 4 MiB) in memory, and all others are lost. Changing it replaces the pods one by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<Sink>,
    /// Columns that are never recorded, at most 256: names of inputs, outputs or features, or of columns of the
    /// records. Drift still counts them. A name that the model does not have is logged and has no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(min = 1, max = 256)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub redact: Vec<String>,
    /// Most elements of one input, output or feature in one row, from 1 to 1048576. A call with a larger tensor is
    /// recorded without the elements of that tensor: the row has its shape and the SHA-256 of its bytes.
    #[serde(default = "max_elements")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub max_elements: i32,
    /// How long records stay in the sink: a duration of at least `1m`, for example `720h`. Files are deleted by the day
    /// (UTC), once that day ended longer ago than this. Without it, Understudy deletes nothing.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m')").message("recording.retention must be a duration of at least 1m, for example 720h; leave it out to keep everything"))]
    #[schemars(length(max = 32))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Duration>,
    /// Longest time that rows wait in an open file before it is closed and sent to the sink: a duration from `1s` to
    /// `24h`. A file of 8 MiB is closed earlier.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("recording.rotateAfter must be a duration from 1s to 24h, for example 1m"))]
    #[schemars(length(max = 32))]
    #[serde(default = "rotate_after")]
    #[schemars(extend("default" = "1m"))]
    pub rotate_after: Duration,
}

/// Where the records of calls are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sink {
    /// `s3://bucket/prefix` or `pvc://claim/prefix`, where `claim` is a `PersistentVolumeClaim` of the same namespace.
    /// Files are stored in `<uri>/<namespace>/<ModelDeployment>/date=2026-11-21/`, so several deployments can share a
    /// sink.
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = rules::folder_address("recording.sink.uri"))]
    pub uri: String,
    /// Secret with the credentials for `uri`, with the keys of `spec.artifact.secretRef` of a `ModelVersion`. Without
    /// it, the pod's own identity is used, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}
