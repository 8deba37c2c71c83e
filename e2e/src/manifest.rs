//! Manifests of the samples, with what a story changes about them.

use anyhow::Result;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{MODEL, Sample};

/// A `ModelDeployment` of the samples with small pods, one of them, and this merged into its spec.
pub fn deployment(spec: &Value) -> Result<ModelDeployment> {
    let mut all = json!({
        "replicas": 1,
        "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}, "limits": {"memory": "384Mi"}},
    });
    merge(&mut all, spec);
    let manifest = json!({
        "apiVersion": "understudy.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": MODEL},
        "spec": all,
    });
    Ok(serde_json::from_value(manifest)?)
}

/// RFC 7396, but that a null is never meant.
fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

/// A version to be published: by default a sample's file under that sample's number.
#[derive(Clone, Debug)]
pub struct Publication {
    version: String,
    uri: String,
    sha256: String,
    metrics: Vec<(String, f64)>,
}

impl Publication {
    /// The sample as it is.
    pub fn of(sample: Sample) -> Result<Self> {
        Ok(Self {
            version: sample.version().to_owned(),
            uri: sample.uri(),
            sha256: sample.sha256()?,
            metrics: vec![("auc".to_owned(), 0.99)],
        })
    }

    /// Under another number.
    #[must_use]
    pub fn version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    /// From another file.
    #[must_use]
    pub fn file(self, uri: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { uri: uri.into(), sha256: sha256.into(), ..self }
    }

    /// With this as all that was measured.
    #[must_use]
    pub fn metric(self, name: &str, value: f64) -> Self {
        Self { metrics: vec![(name.to_owned(), value)], ..self }
    }

    /// The name of its `ModelVersion`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{MODEL}-{}", self.version)
    }

    pub(crate) fn manifest(&self) -> Result<ModelVersion> {
        let metrics: Vec<_> = self.metrics.iter().map(|(n, v)| json!({"name": n, "value": v})).collect();
        let manifest = json!({
            "apiVersion": "understudy.dev/v1alpha1",
            "kind": "ModelVersion",
            "metadata": {"name": self.name()},
            "spec": {
                "deployment": MODEL,
                "version": self.version,
                "artifact": {"uri": self.uri, "sha256": self.sha256, "secretRef": {"name": "s3"}},
                "evaluation": {"dataset": "held-out rows", "metrics": metrics},
            },
        });
        Ok(serde_json::from_value(manifest)?)
    }
}
