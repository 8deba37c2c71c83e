//! The objects of the simulated cluster, and how the simulation writes them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The namespace of everything.
pub const NAMESPACE: &str = "risk";
/// The name of the one `ModelDeployment`.
pub const DEPLOYMENT: &str = "fraud";

/// The `ModelVersion` names that people use, each with its version number. The last two share a number.
pub const SLOTS: [(&str, &str); 4] =
    [("fraud-1.0.0", "1.0.0"), ("fraud-1.1.0", "1.1.0"), ("fraud-2.0.0", "2.0.0"), ("fraud-copy", "1.1.0")];

/// Bytes from this number on cannot be loaded.
pub const BROKEN: u32 = 900;

/// The kinds that the operator watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    ModelDeployment,
    ModelVersion,
    Workload,
    Service,
    ConfigMap,
    Budget,
    Pod,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::ModelDeployment,
        Self::ModelVersion,
        Self::Workload,
        Self::Service,
        Self::ConfigMap,
        Self::Budget,
        Self::Pod,
    ];

    /// The kind with this plural in paths.
    pub fn of_plural(plural: &str) -> Option<Self> {
        Some(match plural {
            "modeldeployments" => Self::ModelDeployment,
            "modelversions" => Self::ModelVersion,
            "deployments" => Self::Workload,
            "services" => Self::Service,
            "configmaps" => Self::ConfigMap,
            "poddisruptionbudgets" => Self::Budget,
            "pods" => Self::Pod,
            _ => return None,
        })
    }

    /// Whether the operator owns objects of this kind.
    pub fn is_owned(self) -> bool {
        !matches!(self, Self::ModelDeployment | Self::ModelVersion)
    }
}

/// SHA-256 of these bytes, as the spec of a version has it.
pub fn sha256(bytes: u32) -> String {
    format!("{bytes:064x}")
}

/// A text field of an object, or an empty text.
pub fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A number of an object, or 0.
pub fn number(object: &Value, path: &str) -> i64 {
    object.pointer(path).and_then(Value::as_i64).unwrap_or_default()
}

/// The uid of an object.
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// An annotation of Understudy, without its prefix.
pub fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    let key = format!("understudy.dev/{name}");
    object["metadata"]["annotations"][&key].as_str().unwrap_or_default()
}

/// Sets annotations of Understudy. `None` removes one.
pub fn annotate(object: &mut Value, annotations: &[(&str, Option<&str>)]) {
    for (name, value) in annotations {
        let key = format!("understudy.dev/{name}");
        match value {
            Some(value) => object["metadata"]["annotations"][&key] = json!(value),
            None => {
                if let Some(all) = object["metadata"]["annotations"].as_object_mut() {
                    all.remove(&key);
                }
            }
        }
    }
}

/// A label.
fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"]["labels"][key].as_str().unwrap_or_default()
}

/// Whether this object carries the label of the operator.
pub fn is_labelled(object: &Value) -> bool {
    label(object, "app.kubernetes.io/managed-by") == "understudy"
}

/// The uid of the controller of an object.
pub fn controller(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

/// Whether somebody has asked to delete the object, which waits for finalizers.
pub fn is_ending(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The digest of a version's artifact: `sha256:<hex>`.
pub fn digest(version: &Value) -> String {
    format!("sha256:{}", text(version, "/spec/artifact/sha256"))
}

/// The stage that a version is in.
pub fn stage(version: &Value) -> &str {
    version["status"]["stage"].as_str().unwrap_or("None")
}

/// The stage that is requested for a version.
pub fn requested(version: &Value) -> &str {
    version["spec"]["stage"].as_str().unwrap_or("None")
}

/// The history of a version or of a deployment.
pub fn history(object: &Value) -> &[Value] {
    object["status"]["history"].as_array().map_or(&[], Vec::as_slice)
}

/// The version label that a Service selects.
pub fn selected(service: &Value) -> &str {
    text(service, "/spec/selector/understudy.dev~1version")
}

/// Which bytes of which `ModelVersion` a pod template runs, from the arguments of its container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The version number.
    pub number: String,
    /// The uid of the `ModelVersion`: each has an address of its own.
    pub uid: String,
    /// The digest: `sha256:<hex>`.
    pub digest: String,
}

impl Source {
    /// What this Deployment runs.
    pub fn of(workload: &Value) -> Self {
        let arguments = workload.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
        let argument = |name: &str| {
            let mut found = arguments.into_iter().flatten().filter_map(Value::as_str);
            found.find_map(|text| text.strip_prefix(name)).unwrap_or_default().to_owned()
        };
        Self {
            number: argument("--version="),
            uid: argument("--artifact=s3://m/"),
            digest: format!("sha256:{}", argument("--sha256=")),
        }
    }

    /// What pods of this version run.
    pub fn of_version(version: &Value) -> Self {
        Self {
            number: text(version, "/spec/version").to_owned(),
            uid: uid(version).to_owned(),
            digest: digest(version),
        }
    }
}
