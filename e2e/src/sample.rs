//! The sample models: three real ones, with rows and the expected response of each version.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{cluster::checkout, store::digest};

/// Name of the samples' `ModelDeployment`, and of the model in every URL.
pub const MODEL: &str = "breast-cancer";

const FILE: &str = "model.onnx";
const BASELINE: &str = "baseline.json";

/// One of the sample models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Logistic regression.
    V1_0_0,
    /// Gradient boosting.
    V1_1_0,
    /// A random forest.
    V1_2_0,
}

impl Sample {
    /// Its version in `samples/`.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
            Self::V1_2_0 => "1.2.0",
        }
    }

    /// A file of the sample in this checkout.
    fn read(self, file: &str) -> Result<Vec<u8>> {
        read(&format!("samples/models/{MODEL}/{}/{file}", self.version()))
    }

    /// The URI of a file of the sample in the S3 server of `make up`.
    fn uri_of(self, file: &str) -> String {
        format!("s3://models/{MODEL}/{}/{file}", self.version())
    }

    /// The bytes of the model file.
    pub fn bytes(self) -> Result<Vec<u8>> {
        self.read(FILE)
    }

    /// SHA-256 of the model file, in hexadecimal.
    pub fn sha256(self) -> Result<String> {
        Ok(digest(&self.bytes()?))
    }

    /// The URI of the model file in the S3 server of `make up`.
    #[must_use]
    pub fn uri(self) -> String {
        self.uri_of(FILE)
    }

    /// URI and SHA-256 of the baseline. Version 1.0.0 has no baseline.
    pub fn baseline(self) -> Result<(String, String)> {
        Ok((self.uri_of(BASELINE), digest(&self.read(BASELINE)?)))
    }

    /// Names of the features, in the order of the model's input, from the baseline.
    pub fn features(self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Baseline {
            columns: Vec<Column>,
        }
        #[derive(Deserialize)]
        struct Column {
            role: String,
            name: String,
        }
        let baseline: Baseline = serde_json::from_slice(&self.read(BASELINE)?)?;
        Ok(baseline.columns.into_iter().filter(|c| c.role == "input").map(|c| c.name).collect())
    }

    /// The manifest in `samples/`.
    #[must_use]
    pub fn manifest(self) -> PathBuf {
        checkout().join(format!("samples/manifests/modelversion-{}.yaml", self.version()))
    }
}

/// A held-out row, and the expected response of each version.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// 30 measurements.
    pub features: Vec<f64>,
    /// The true label.
    pub truth: i64,
    /// Expected responses by version.
    pub expected: BTreeMap<String, Expected>,
}

/// The expected response of a version.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Expected {
    /// 0 malignant, 1 benign.
    pub label: i64,
    /// Probabilities of label 0 and label 1.
    pub probabilities: Vec<f64>,
}

#[derive(Deserialize)]
struct Rows {
    tolerance: f64,
    rows: Vec<Row>,
}

impl Rows {
    fn of(path: &str) -> Result<Self> {
        serde_json::from_slice(&read(path)?).with_context(|| format!("failed to parse {path}"))
    }
}

/// A file of this checkout.
pub(crate) fn read(path: &str) -> Result<Vec<u8>> {
    let path = checkout().join(path);
    std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
}

const ROWS: &str = "samples/rows.json";

/// The six rows of `samples/rows.json`, which differ as much as possible.
pub fn rows() -> Result<Vec<Row>> {
    Ok(Rows::of(ROWS)?.rows)
}

/// Largest allowed difference between a probability and the expected one.
pub fn tolerance() -> Result<f64> {
    Ok(Rows::of(ROWS)?.tolerance)
}

/// All 143 held-out rows.
pub fn held_out() -> Result<Vec<Row>> {
    Ok(Rows::of("samples/held-out.json")?.rows)
}

#[cfg(test)]
mod tests {
    use understudy_crds::ModelVersion;

    use super::*;

    /// Where the S3 server of `make up` has `samples/models`.
    const BUCKET: &str = "s3://models/";

    #[test]
    fn the_manifests_have_the_digests_of_the_files_that_they_name() {
        for sample in [Sample::V1_0_0, Sample::V1_1_0, Sample::V1_2_0] {
            let manifest = std::fs::read_to_string(sample.manifest()).unwrap();
            let spec = serde_saphyr::from_str::<ModelVersion>(&manifest).unwrap().spec;
            let artifact = [(spec.artifact.uri, spec.artifact.sha256)];
            let baseline = spec.baseline.map(|file| (file.uri, file.sha256));
            let examples = spec.examples.map(|file| (file.uri, file.sha256));
            for (uri, sha256) in artifact.into_iter().chain(baseline).chain(examples) {
                let path = format!("samples/models/{}", uri.strip_prefix(BUCKET).unwrap());
                assert_eq!(sha256, digest(&read(&path).unwrap()), "{uri}");
            }
        }
    }
}
