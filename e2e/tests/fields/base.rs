//! A valid spec of each kind, with every field. A new field must be added here.

use serde_json::{Value, json};

pub const DIGEST: &str = "9f2c000000000000000000000000000000000000000000000000000000000001";

/// Fields that no valid spec can have: the rule that refuses them is tried with an example.
pub const NEVER: &[&str] = &["/resources/claims", "/runtime/resources/claims"];

/// Fields of which a valid spec has only one. Each has a base of its own.
pub const EXCLUSIVE: &[&str] = &["/preprocessing", "/runtime"];

/// Where images of `spec.runtime` may come from, by the operator's configuration.
pub const REGISTRY: &str = "registry.example.com";

/// Fields that another field of the base does not allow to change: `tolerationSeconds` requires its effect.
pub const FIXED: &[&str] = &["/tolerations/0/effect"];

pub fn deployment() -> Value {
    json!({
        "description": "fraud score",
        "replicas": 3,
        "resources": {"limits": {"memory": "2Gi"}, "requests": {"memory": "1Gi"}},
        "threads": {"sessions": 2, "intraOp": 4},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{
            "key": "nvidia.com/gpu", "operator": "Equal", "value": "", "effect": "NoExecute", "tolerationSeconds": 7,
        }],
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClassName": "models",
        "approval": {
            "expiresAfter": "48h", "approvers": 2, "acceptanceTest": "Required",
            "gates": [{"metric": "auc", "min": 0.9, "notWorseThanMain": true}],
        },
        "rollback": {"keepWarm": "5m"},
        "rollout": {"deadline": "15m"},
        "challenger": {"version": "1.4.0-rc.1", "samplePercent": 50, "timeout": "500ms", "replicas": 2},
        "recording": {
            "samplePercent": 25,
            "sink": {"uri": "pvc://records/fraud", "secretRef": {"name": "record-store"}},
            "redact": ["card"], "maxElements": 512, "retention": "720h", "rotateAfter": "2m",
        },
        "drift": {"window": "2h", "minSamples": 500, "falseAlarms": 0.1, "psi": 0.3},
    })
}

pub fn version() -> Value {
    json!({
        "deployment": "fraud",
        "version": "1.2.3",
        "stage": "None",
        "artifact": {"uri": "pvc://models/fraud/model.onnx", "sha256": DIGEST, "secretRef": {"name": "model-store"}},
        "documentation": {"markdown": "# Fraud", "url": "https://wiki.example.com/fraud"},
        "evaluation": {"dataset": "holdout", "metrics": [{"name": "auc", "value": 0.97}]},
        "provenance": {"run": "run-17", "gitCommit": "0a1b2c3", "dataset": "payments"},
        "baseline": {
            "uri": "s3://models/fraud/baseline.json", "sha256": DIGEST, "secretRef": {"name": "baseline-store"},
        },
        "examples": {
            "uri": "s3://models/fraud/examples.jsonl", "sha256": DIGEST, "secretRef": {"name": "example-store"},
            "tolerance": {"absolute": 0.5, "relative": 0.25},
        },
        "preprocessing": [
            {"uri": "s3://models/fraud/encode.onnx", "sha256": DIGEST, "secretRef": {"name": "graph-store"}},
        ],
    })
}

/// A version whose model an image runs.
pub fn version_with_runtime() -> Value {
    let mut spec = version();
    spec.as_object_mut().expect("a spec is an object").remove("preprocessing");
    spec["runtime"] = json!({
        "image": format!("{REGISTRY}/ml/server@sha256:{DIGEST}"),
        "protocol": "OIP",
        "model": "churn-2",
        "ports": {"http": 9123},
        "env": [{"name": "LEVEL", "value": "debug"}],
        "args": ["start"],
        "resources": {"limits": {"memory": "2Gi"}, "requests": {"memory": "1Gi"}},
    });
    spec
}
