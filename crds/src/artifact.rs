//! Files in a store, each pinned by its digest, and the credentials for them.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, rules};

/// The model file, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Where the file is: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`, where `claim` is a
    /// `PersistentVolumeClaim` of the same namespace. Each pod downloads it at every start.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::file_address("artifact.uri"))]
    pub uri: String,
    /// SHA-256 of the file: 64 lower-case hexadecimal digits, as `sha256sum` prints them. A pod that finds another file
    /// does not serve (`DigestMismatch`).
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("artifact.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
    /// Secret with the credentials for `uri`. Whoever creates the `ModelVersion` needs the verb `get` or `use` on it. Keys for `s3://`: `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`. Keys for `https://`: `token`, or
    /// `username` and `password`, and `origin` if they are for one `https://host` only. For both: `ca.crt` with your own certificate authority. Without it, `s3://` uses the
    /// pod's own identity, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}

/// The distribution of the training data: a JSON file that `understudy baseline` writes, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// Where the file is: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::file_address("baseline.uri"))]
    pub uri: String,
    /// SHA-256 of the file: 64 lower-case hexadecimal digits, as `sha256sum` prints them. A pod that finds another file
    /// does not serve (`DigestMismatch`).
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("baseline.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
    /// Secret with the credentials for `uri`, with the keys of `spec.artifact.secretRef`. Whoever creates the
    /// `ModelVersion` needs the verb `get` or `use` on it. Without it, the credentials of `spec.artifact.secretRef` are used
    /// if both files are on the same host, or both in `s3://`. Otherwise none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}

/// A reference to a Secret in the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalSecretReference {
    /// Name of the Secret. Pods start without it if it does not exist, and report what they could not read.
    #[schemars(length(min = 1, max = limits::OBJECT))]
    #[x_kube(validation = rules::object_name("secretRef.name"))]
    pub name: String,
}
