//! Files somewhere, each pinned by its digest, and the credentials for them.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file somewhere, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^(s3|https|pvc)://[^/ ]+/[^ ]+$')")
        .message("uri must be s3://bucket/key, https://host/path or pvc://claim/path"))]
    pub uri: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits. Other bytes are never served.
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
    /// Secret in the same namespace with the credentials for `uri`: keys `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_ENDPOINT_URL`; or `token`, or `username`
    /// and `password`; `ca.crt` for an own certificate authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
}

/// The distributions of the training data, a JSON file pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Baseline {
    /// `s3://bucket/key`, `https://host/path` or `pvc://claim/path`.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new("self.matches('^(s3|https|pvc)://[^/ ]+/[^ ]+$')")
        .message("baseline.uri must be s3://bucket/key, https://host/path or pvc://claim/path"))]
    pub uri: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits. Another file is not used.
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("baseline.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
}

/// A Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LocalSecretReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}
