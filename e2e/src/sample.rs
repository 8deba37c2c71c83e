//! The sample models: real ones, with rows and the answers that each version must give to them.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::{cluster::checkout, store::digest};

/// Name of the samples' `ModelDeployment`, and so of the model in every URL.
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

    /// A file of it in this checkout.
    fn read(self, file: &str) -> Result<Vec<u8>> {
        read(&format!("samples/models/{MODEL}/{}/{file}", self.version()))
    }

    /// Where `make up` has put a file of it.
    fn uri_of(self, file: &str) -> String {
        format!("s3://models/{MODEL}/{}/{file}", self.version())
    }

    /// Its bytes.
    pub fn bytes(self) -> Result<Vec<u8>> {
        self.read(FILE)
    }

    /// SHA-256 of the file, in hexadecimal.
    pub fn sha256(self) -> Result<String> {
        Ok(digest(&self.bytes()?))
    }

    /// Where `make up` has put it.
    #[must_use]
    pub fn uri(self) -> String {
        self.uri_of(FILE)
    }

    /// Where `make up` has put its baseline, and the SHA-256 of that; 1.0.0 has none.
    pub fn baseline(self) -> Result<(String, String)> {
        Ok((self.uri_of(BASELINE), digest(&self.read(BASELINE)?)))
    }

    /// What the features are called, in the order in which the model takes them, as its baseline has them.
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
    /// The label that would be right.
    pub truth: i64,
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

impl Rows {
    fn of(path: &str) -> Result<Self> {
        serde_json::from_slice(&read(path)?).with_context(|| format!("failed to understand {path}"))
    }
}

/// A file of this checkout.
pub(crate) fn read(path: &str) -> Result<Vec<u8>> {
    let path = checkout().join(path);
    std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))
}

const ROWS: &str = "samples/rows.json";

/// The rows of `samples/rows.json`: six, as different as they come.
pub fn rows() -> Result<Vec<Row>> {
    Ok(Rows::of(ROWS)?.rows)
}

/// How far a probability may be from the expected one.
pub fn tolerance() -> Result<f64> {
    Ok(Rows::of(ROWS)?.tolerance)
}

/// All 143 held-out rows.
pub fn held_out() -> Result<Vec<Row>> {
    Ok(Rows::of("samples/held-out.json")?.rows)
}
