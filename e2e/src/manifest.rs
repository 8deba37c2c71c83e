//! Manifests of the samples, with the changes of a story.

use anyhow::Result;
use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{MODEL, Sample};

/// The `ModelDeployment` of the samples with one small pod, and `spec` merged into its spec.
pub fn deployment(spec: &Value) -> Result<ModelDeployment> {
    named(MODEL, spec)
}

/// The same `ModelDeployment` under another name.
pub(crate) fn named(name: &str, spec: &Value) -> Result<ModelDeployment> {
    let mut all = json!({
        "replicas": 1,
        "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}, "limits": {"memory": "384Mi"}},
    });
    merge(&mut all, spec);
    let manifest = json!({
        "apiVersion": "understudy.dev/v1alpha1",
        "kind": "ModelDeployment",
        "metadata": {"name": name},
        "spec": all,
    });
    Ok(serde_json::from_value(manifest)?)
}

/// A merge patch by RFC 7396, except that a null does not remove a field.
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

/// A version to publish. By default it is a sample's file under that sample's version number.
#[derive(Clone, Debug)]
pub struct Publication {
    deployment: String,
    version: String,
    uri: String,
    sha256: String,
    /// URI and SHA-256.
    baseline: Option<(String, String)>,
    /// URI and SHA-256.
    examples: Option<(String, String)>,
    /// URI and SHA-256 of each graph before the model.
    preprocessing: Vec<(String, String)>,
    /// `spec.runtime`.
    runtime: Option<Value>,
    metrics: Vec<(String, f64)>,
}

impl Publication {
    /// The sample, unchanged.
    pub fn of(sample: Sample) -> Result<Self> {
        Ok(Self {
            deployment: MODEL.to_owned(),
            version: sample.version().to_owned(),
            uri: sample.uri(),
            sha256: sample.sha256()?,
            baseline: None,
            examples: None,
            preprocessing: Vec::new(),
            runtime: None,
            metrics: vec![("auc".to_owned(), 0.99)],
        })
    }

    /// For another deployment.
    #[must_use]
    pub fn deployment(self, name: &str) -> Self {
        Self { deployment: name.to_owned(), ..self }
    }

    /// With the baseline of this sample.
    pub fn baseline(self, sample: Sample) -> Result<Self> {
        Ok(Self { baseline: Some(sample.baseline()?), ..self })
    }

    /// With the baseline in this file.
    #[must_use]
    pub fn baseline_at(self, uri: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { baseline: Some((uri.into(), sha256.into())), ..self }
    }

    /// With the examples in this file.
    #[must_use]
    pub fn examples(self, uri: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { examples: Some((uri.into(), sha256.into())), ..self }
    }

    /// With this graph before the model, after those that it has.
    #[must_use]
    pub fn preprocessing(mut self, uri: impl Into<String>, sha256: impl Into<String>) -> Self {
        self.preprocessing.push((uri.into(), sha256.into()));
        self
    }

    /// With this `spec.runtime`.
    #[must_use]
    pub fn runtime(self, runtime: Value) -> Self {
        Self { runtime: Some(runtime), ..self }
    }

    /// Its version number.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.version
    }

    /// Under another version number.
    #[must_use]
    pub fn version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    /// With another file.
    #[must_use]
    pub fn file(self, uri: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self { uri: uri.into(), sha256: sha256.into(), ..self }
    }

    /// With this as the only metric of its evaluation.
    #[must_use]
    pub fn metric(self, name: &str, value: f64) -> Self {
        Self { metrics: vec![(name.to_owned(), value)], ..self }
    }

    /// The name of its `ModelVersion`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.deployment, self.version)
    }

    pub(crate) fn manifest(&self) -> Result<ModelVersion> {
        let metrics: Vec<_> = self.metrics.iter().map(|(n, v)| json!({"name": n, "value": v})).collect();
        let mut spec = json!({
            "deployment": self.deployment,
            "version": self.version,
            "artifact": {"uri": self.uri, "sha256": self.sha256, "secretRef": {"name": "s3"}},
            "evaluation": {"dataset": "held-out rows", "metrics": metrics},
        });
        if let Some((uri, sha256)) = &self.baseline {
            spec["baseline"] = json!({"uri": uri, "sha256": sha256});
        }
        if let Some((uri, sha256)) = &self.examples {
            spec["examples"] = json!({"uri": uri, "sha256": sha256});
        }
        if !self.preprocessing.is_empty() {
            let graph = |(uri, sha256): &(String, String)| json!({"uri": uri, "sha256": sha256});
            spec["preprocessing"] = self.preprocessing.iter().map(graph).collect();
        }
        if let Some(runtime) = &self.runtime {
            spec["runtime"] = runtime.clone();
        }
        Ok(serde_json::from_value(json!({
            "apiVersion": "understudy.dev/v1alpha1",
            "kind": "ModelVersion",
            "metadata": {"name": self.name()},
            "spec": spec,
        }))?)
    }
}
