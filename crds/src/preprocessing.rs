//! Graphs that run before the model.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::LocalSecretReference, rules};

/// Most graphs before a model. The admission policy checks the Secret and the claim of each one.
pub const MAX_GRAPHS: u32 = 4;

/// An ONNX graph that runs before the model, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreprocessingGraph {
    /// Where the file is: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::file_address("preprocessing.uri"))]
    pub uri: String,
    /// SHA-256 of the file: 64 lower-case hexadecimal digits, as `sha256sum` prints them. A pod that finds another file
    /// does not serve (`DigestMismatch`).
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("preprocessing.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
    /// Secret with the credentials for `uri`, with the keys of `spec.artifact.secretRef`. Whoever creates the
    /// `ModelVersion` needs the verb `get` or `use` on it. Without it, the credentials of `spec.artifact.secretRef` are used
    /// if both files are on the same host, or both in `s3://`. Otherwise none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}
