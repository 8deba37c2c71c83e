//! Examples: requests with the answers that a version must give before it serves.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::LocalSecretReference, rules};

/// Both tolerances: larger than what another processor changes in a number of 32 bits, and smaller than what a caller
/// notices.
const fn tolerance() -> f64 {
    1e-5
}

/// Requests with their expected answers: a file of JSON lines, pinned by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Examples {
    /// Where the file is: `s3://bucket/key`, `https://host/path` or `pvc://claim/path`. Each line is an object with a
    /// `request`, as callers send it to `/v2/models/<name>/infer` or to `/predict`, and the `response`. At most 1000 lines
    /// and 64 MiB, and 16 MiB in one line.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = rules::file_address("examples.uri"))]
    pub uri: String,
    /// SHA-256 of the file: 64 lower-case hexadecimal digits, as `sha256sum` prints them. A pod that finds another file
    /// does not serve (`DigestMismatch`).
    #[schemars(length(min = 64, max = 64))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9a-f]{64}$')")
        .message("examples.sha256 must be 64 lower-case hexadecimal digits, as sha256sum prints them"))]
    pub sha256: String,
    /// Secret with the credentials for `uri`, with the keys of `spec.artifact.secretRef`. Whoever creates the
    /// `ModelVersion` needs the verb `get` or `use` on it. Without it, the credentials of `spec.artifact.secretRef` are used
    /// if both files are on the same host, or both in `s3://`. Otherwise none are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalSecretReference>,
    /// How far a number in an answer may be from the expected one. Without it, the defaults of its fields apply. Strings,
    /// integers and booleans must be equal.
    #[serde(default)]
    pub tolerance: Tolerance,
}

/// How far a number `got` may be from the expected one: `|got - expected| <= absolute + relative * |expected|`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tolerance {
    /// Largest distance, whatever the expected number is. From 0 to 1000000.
    #[serde(default = "tolerance")]
    #[x_kube(validation = Rule::new("self >= 0.0 && self <= 1000000.0").message("tolerance.absolute must be a number from 0 to 1000000, for example 0.00001"))]
    pub absolute: f64,
    /// Largest distance as a part of the expected number. From 0 to 1.
    #[serde(default = "tolerance")]
    #[x_kube(validation = Rule::new("self >= 0.0 && self <= 1.0").message("tolerance.relative must be a number from 0 to 1, for example 0.00001"))]
    pub relative: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        Self { absolute: tolerance(), relative: tolerance() }
    }
}
