//! The graphs before the model, which the operator hands to a pod in one argument.

use serde::{Deserialize, Serialize};

/// An ONNX graph that runs before the model. The argument is a JSON list of them, in the order in which they run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Graph {
    /// Where the file is: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    pub uri: String,
    /// SHA-256 of the file: 64 hexadecimal digits.
    pub sha256: String,
    /// Directory of the mounted Secret with the credentials for `uri`. Without it, those for the model are used if both
    /// files have the same origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_dir: Option<String>,
    /// Mount directory of the `PersistentVolumeClaim` of a `pvc://` file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pvc_dir: Option<String>,
}
