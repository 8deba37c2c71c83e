//! Objects as a watch delivers them. One that cannot be parsed does not stop the watch, and its place in the cluster stays
//! known.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use understudy_crds::names;

/// Most characters of a parse error that are kept. The error may quote the object, which may be large.
const MAX_ERROR: usize = 300;

/// An object of kind `K`, or what is known of one that cannot be parsed as `K`: for example because a newer operator has
/// written a value that this one does not know.
#[derive(Clone, Debug)]
pub enum Received<K> {
    /// It was parsed.
    Read(K),
    /// It was not. It must be kept as it is.
    Unreadable(Box<Unreadable>),
}

/// An object that exists and cannot be parsed.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// The `ModelDeployment` that it belongs to, if that can be read.
    pub deployment: Option<String>,
    /// Its version label, if its version can be read.
    pub version: Option<String>,
    /// Why it cannot be parsed.
    pub error: String,
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Received<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // The value is borrowed, since it is needed again only after a failure.
        match K::deserialize(&value) {
            Ok(object) => Ok(Self::Read(object)),
            Err(error) => {
                let metadata =
                    ObjectMeta::deserialize(&value["metadata"]).map_err(serde::de::Error::custom)?;
                Ok(Self::Unreadable(Box::new(Unreadable::new(metadata, &value, &error.to_string()))))
            }
        }
    }
}

impl Unreadable {
    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Whether it may have this version number: its own cannot be read, or is this one.
    pub fn may_be(&self, number: &str) -> bool {
        self.version.as_ref().is_none_or(|version| *version == names::version_label(number))
    }

    fn new(metadata: ObjectMeta, value: &Value, error: &str) -> Self {
        let label = |key: &str| metadata.labels.as_ref().and_then(|all| all.get(key)).cloned();
        let spec = |key: &str| value["spec"][key].as_str();
        let is_deployment = value["kind"] == "ModelDeployment";
        Self {
            deployment: label(names::DEPLOYMENT_LABEL)
                .or_else(|| spec("deployment").map(str::to_owned))
                .or_else(|| metadata.name.clone().filter(|_| is_deployment)),
            version: label(names::VERSION_LABEL).or_else(|| spec("version").map(names::version_label)),
            error: error.chars().take(MAX_ERROR).collect(),
            metadata,
        }
    }
}

impl<K: Resource> Resource for Received<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Read(object) => object.meta(),
            Self::Unreadable(unreadable) => &unreadable.metadata,
        }
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        match self {
            Self::Read(object) => object.meta_mut(),
            Self::Unreadable(unreadable) => &mut unreadable.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use understudy_crds::ModelVersion;

    use super::*;
    use crate::fixtures;

    fn read(object: Value) -> Received<ModelVersion> {
        serde_json::from_value(object).expect("any object with metadata is taken")
    }

    #[test]
    fn a_version_in_a_stage_that_is_unknown_here_keeps_its_place() {
        let mut object = serde_json::to_value(fixtures::version("1.3.0", json!({}))).expect("JSON");
        object["status"] = json!({"stage": "Canary", "note": "x".repeat(10_000)});
        let Received::Unreadable(found) = read(object) else { panic!("it cannot be parsed") };
        assert_eq!(found.metadata.name.as_deref(), Some("fraud-1.3.0"));
        assert_eq!(found.deployment.as_deref(), Some("fraud"));
        assert_eq!(found.version.as_deref(), Some("1.3.0"));
        assert!(found.error.contains("Canary"), "{}", found.error);
    }

    #[test]
    fn the_error_does_not_hold_the_object() {
        let mut object = serde_json::to_value(fixtures::version("1.3.0", json!({}))).expect("JSON");
        object["status"] = json!({"stage": "x".repeat(10_000)});
        let Received::Unreadable(found) = read(object) else { panic!("it cannot be parsed") };
        assert!(found.error.len() <= MAX_ERROR, "{}", found.error.len());
    }

    #[test]
    fn an_object_that_can_be_parsed_is_as_it_was() {
        let version = fixtures::version("1.3.0", json!({}));
        let Received::Read(read) = read(serde_json::to_value(&version).expect("JSON")) else {
            panic!("it can be parsed")
        };
        assert_eq!(read, version);
    }
}
