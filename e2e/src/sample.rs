//! The sample models: real ones, with rows and the answers that each version must give to them.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{cluster::checkout, store::digest};

/// Name of the samples' `ModelDeployment`, and so of the model in every URL.
pub const MODEL: &str = "breast-cancer";

/// One of the sample models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// Logistic regression.
    V1_0_0,
    /// Gradient boosting.
    V1_1_0,
}

impl Sample {
    /// Its version in `samples/`.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V1_0_0 => "1.0.0",
            Self::V1_1_0 => "1.1.0",
        }
    }

    /// The file in this checkout.
    #[must_use]
    pub fn path(self) -> PathBuf {
        checkout().join("samples/models").join(MODEL).join(self.version()).join("model.onnx")
    }

    /// Its bytes.
    pub fn bytes(self) -> Result<Vec<u8>> {
        let path = self.path();
        std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(self) -> Result<String> {
        Ok(digest(&self.bytes()?))
    }

    /// Where `make up` has put it.
    #[must_use]
    pub fn uri(self) -> String {
        format!("s3://models/{MODEL}/{}/model.onnx", self.version())
    }

    /// Its manifest in `samples/`.
    #[must_use]
    pub fn manifest(self) -> PathBuf {
        checkout().join(format!("samples/manifests/modelversion-{}.yaml", self.version()))
    }
}

/// A held-out row, and what each version answers to it.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    /// 30 measurements.
    pub features: Vec<f64>,
    /// By version of the sample.
    pub expected: BTreeMap<String, Expected>,
}

/// What a version answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Expected {
    /// 0 malignant, 1 benign.
    pub label: i64,
    /// Of both labels, in this order.
    pub probabilities: Vec<f64>,
}

#[derive(Deserialize)]
struct Rows {
    tolerance: f64,
    rows: Vec<Row>,
}

fn read() -> Result<Rows> {
    let path = checkout().join("samples/rows.json");
    let text = std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("failed to understand {}", path.display()))
}

/// The rows of `samples/rows.json`.
pub fn rows() -> Result<Vec<Row>> {
    Ok(read()?.rows)
}

/// How far a probability may be from the expected one.
pub fn tolerance() -> Result<f64> {
    Ok(read()?.tolerance)
}
