//! Objects for unit tests.

use serde_json::{Value, json};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::identity::Identity;

/// A user without groups.
pub fn me(name: &str) -> Identity {
    Identity { name: name.to_owned(), groups: vec![] }
}

/// `fraud-1.3.0` of generation 3, merged with `parts`.
pub fn version(parts: Value) -> ModelVersion {
    let mut object = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelVersion",
        "metadata": {"name": "fraud-1.3.0", "namespace": "risk", "generation": 3},
        "spec": {
            "deployment": "fraud", "version": "1.3.0",
            "artifact": {"uri": "s3://models/fraud/1.3.0/model.onnx", "sha256": "9f".repeat(32)},
        },
    });
    merge(&mut object, parts);
    serde_json::from_value(object).unwrap()
}

/// `fraud`, merged with `parts`.
pub fn deployment(parts: Value) -> ModelDeployment {
    let mut object = json!({
        "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
        "metadata": {"name": "fraud", "namespace": "risk"}, "spec": {},
    });
    merge(&mut object, parts);
    serde_json::from_value(object).unwrap()
}

fn merge(into: &mut Value, parts: Value) {
    match (into, parts) {
        (Value::Object(into), Value::Object(parts)) => {
            for (key, part) in parts {
                merge(into.entry(key).or_insert(Value::Null), part);
            }
        }
        (into, part) => *into = part,
    }
}
