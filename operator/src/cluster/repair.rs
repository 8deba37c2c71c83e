//! What has to be written so that an owned object is as the operator wants it, without anything that others added. Pure.
//!
//! Of labels, owners, spec and data, an object has what the operator asks for and the defaults of the API server, and
//! nothing else. Annotations and finalizers of others stay: controllers of the platform write them.

use serde_json::{Map, Value, json};

use super::diff::{Meaning, same};

/// The parts of an object in which nothing else may be.
const WHOLE: [&str; 4] = ["spec", "data", "binaryData", "immutable"];
/// An annotation of a pod template: `kubectl rollout restart`. To remove it would replace the pods once more.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// Places that are named, and characters of each. Others choose keys.
const PLACES: usize = 5;
const LONGEST: usize = 120;

/// What has to be written.
#[derive(Debug, PartialEq)]
pub enum Repair {
    /// Nothing.
    Nothing,
    /// The fields that the operator asks for.
    Requested,
    /// This merge patch: it also removes what nobody asks for, at these `places`, of which the first few are named.
    Merge { patch: Value, places: Vec<String> },
}

/// Compares the object of this kind on the API server with the one that the operator wants.
pub fn repair(kind: &str, desired: &Value, actual: &Value) -> Repair {
    let mut walk = Walk { kind, path: String::new(), adds: vec![] };
    let mut patch = Map::new();
    let metadata = walk.metadata(&desired["metadata"], &actual["metadata"]);
    if !metadata.is_empty() {
        patch.insert("metadata".to_owned(), metadata.into());
    }
    for part in WHOLE {
        let meaning = Meaning::Text.below(part);
        if let Some(change) = walk.field(part, desired.get(part), actual.get(part), meaning) {
            patch.insert(part.to_owned(), change);
        }
    }
    match (patch.is_empty(), walk.adds.is_empty()) {
        (true, _) => Repair::Nothing,
        (false, true) => Repair::Requested,
        (false, false) => Repair::Merge { patch: patch.into(), places: walk.adds },
    }
}

/// What [`repair`] compares of an object with `desired`, to recognise it.
pub fn compared(desired: &Value, object: &Value) -> Value {
    let metadata = &object["metadata"];
    let wanted = desired["metadata"]["annotations"].as_object().into_iter().flatten();
    let annotations: Vec<_> = wanted.map(|(key, _)| metadata["annotations"].get(key)).collect();
    json!([metadata["labels"], metadata["ownerReferences"], annotations, WHOLE.map(|part| object.get(part))])
}

struct Walk<'a> {
    kind: &'a str,
    /// Where the walk is: `spec.template.spec.containers[].env`.
    path: String,
    /// Where something is that nobody asks for.
    adds: Vec<String>,
}

impl Walk<'_> {
    fn metadata(&mut self, desired: &Value, actual: &Value) -> Map<String, Value> {
        let mut patch = Map::new();
        for key in ["labels", "ownerReferences"] {
            if let Some(change) = self.field(key, desired.get(key), actual.get(key), Meaning::Text) {
                patch.insert(key.to_owned(), change);
            }
        }
        let wanted = desired["annotations"].as_object().into_iter().flatten();
        let changed: Map<_, _> = wanted
            .filter(|(key, value)| actual["annotations"].get(key) != Some(value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !changed.is_empty() {
            patch.insert("annotations".to_owned(), changed.into());
        }
        patch
    }

    /// The change of one field. `Null` removes it.
    fn field(
        &mut self,
        key: &str,
        desired: Option<&Value>,
        actual: Option<&Value>,
        meaning: Meaning,
    ) -> Option<Value> {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
        let change = match (desired, actual) {
            (Some(desired), actual) => self.value(desired, actual.unwrap_or(&Value::Null), meaning),
            (None, Some(actual)) if !is_empty(actual) && !is_default(self.kind, &self.path, actual) => {
                self.add();
                Some(Value::Null)
            }
            (None, _) => None,
        };
        self.path.truncate(length);
        change
    }

    fn add(&mut self) {
        if self.adds.len() < PLACES {
            self.adds.push(self.path.chars().take(LONGEST).collect());
        }
    }

    fn value(&mut self, desired: &Value, actual: &Value, meaning: Meaning) -> Option<Value> {
        match (desired, actual) {
            (Value::Object(wanted), Value::Object(found)) => {
                let mut patch = Map::new();
                let more = found.keys().filter(|key| !wanted.contains_key(*key));
                for key in wanted.keys().chain(more) {
                    let change = self.field(key, wanted.get(key), found.get(key), meaning.below(key));
                    patch.extend(change.map(|change| (key.clone(), change)));
                }
                (!patch.is_empty()).then(|| patch.into())
            }
            (Value::Array(wanted), Value::Array(found)) => {
                self.path.push_str("[]");
                let differs = if wanted.len() == found.len() {
                    // Not `any`: each entry is walked, to see whether something was added.
                    wanted
                        .iter()
                        .zip(found)
                        .filter(|(w, f)| self.value(w, f, Meaning::Text).is_some())
                        .count()
                        > 0
                } else {
                    self.add();
                    true
                };
                self.path.truncate(self.path.len() - 2);
                // A merge patch replaces a list as a whole.
                differs.then(|| desired.clone())
            }
            _ if same(desired, actual, meaning) => None,
            // A merge patch keeps what it does not name of an object, and there is none.
            (Value::Object(_) | Value::Array(_), Value::Null) => {
                // An owner, a label or data that somebody removed as a whole.
                if self.path == "ownerReferences" {
                    self.add();
                }
                Some(desired.clone())
            }
            _ => Some(desired.clone()),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(entries) => entries.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Whether the API server, or a controller that fulfils the spec, sets this value where nobody asks for one.
fn is_default(kind: &str, path: &str, value: &Value) -> bool {
    match kind {
        "Service" => match path {
            "spec.clusterIP" | "spec.clusterIPs" | "spec.ipFamilies" | "spec.ipFamilyPolicy" => true,
            "spec.type" => value == "ClusterIP",
            "spec.internalTrafficPolicy" => value == "Cluster",
            "spec.sessionAffinity" => value == "None",
            _ => is_default_owner(path),
        },
        "Deployment" => match path.strip_prefix("spec.template.spec.") {
            Some(path) => is_default_of_pods(path, value),
            None => match path {
                "spec.progressDeadlineSeconds" => value == 600,
                "spec.template.metadata.annotations" => {
                    value.as_object().is_some_and(|all| all.keys().all(|key| key == RESTARTED))
                }
                _ => is_default_owner(path),
            },
        },
        _ => is_default_owner(path),
    }
}

fn is_default_of_pods(path: &str, value: &Value) -> bool {
    if let Some(path) = path.strip_prefix("containers[].").or_else(|| path.strip_prefix("initContainers[]."))
    {
        let probe = ["startupProbe.", "readinessProbe.", "livenessProbe."];
        if let Some(path) = probe.iter().find_map(|probe| path.strip_prefix(probe)) {
            return match path {
                "successThreshold" | "timeoutSeconds" => value == 1,
                "failureThreshold" => value == 3,
                "periodSeconds" => value == 10,
                "httpGet.scheme" => value == "HTTP",
                _ => false,
            };
        }
        return match path {
            "terminationMessagePath" => value == "/dev/termination-log",
            "terminationMessagePolicy" => value == "File",
            "ports[].protocol" => value == "TCP",
            _ => false,
        };
    }
    match path {
        "restartPolicy" => value == "Always",
        "dnsPolicy" => value == "ClusterFirst",
        "schedulerName" => value == "default-scheduler",
        "volumes[].configMap.defaultMode" | "volumes[].secret.defaultMode" => value == 420,
        _ => false,
    }
}

/// An earlier operator may have set it.
fn is_default_owner(path: &str) -> bool {
    path == "ownerReferences[].blockOwnerDeletion"
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
