//! An image that runs the model instead of the built-in engine.

use k8s_openapi::api::core::v1::ResourceRequirements;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{limits, possible_values, rules};

/// Most variables of the environment, and as many arguments.
const ENTRIES: usize = 32;
/// Characters of a variable's value, and of an argument.
const VALUE: usize = 4096;

/// The port of the image on localhost.
const fn http() -> i32 {
    9000
}

fn model() -> String {
    "model".to_owned()
}

/// A container image that runs the model, pinned by its digest. It is a second container in each pod of this version and
/// speaks the Open Inference Protocol on localhost. The server of Understudy stands in front of it: callers, records and
/// the challenger reach only that one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Runtime {
    /// The image by its digest, with its registry and without a tag: `registry.example.com/team/mlserver@sha256:<64 digits>`.
    /// The installation lists the registries from which it may come (`runtime.registries` of the chart). By default, there are
    /// none. The digest is a part of what is approved.
    #[schemars(length(min = 1, max = limits::IMAGE))]
    #[x_kube(validation = rules::pinned_image("runtime.image"))]
    pub image: String,
    /// Protocol that the image speaks.
    #[serde(default)]
    #[schemars(transform = possible_values::list)]
    pub protocol: Protocol,
    /// Name by which the image knows the model: the `<name>` in `/v2/models/<name>/infer`. Default `model`. Callers use the name
    /// of the `ModelDeployment`.
    #[serde(default = "model")]
    #[schemars(length(min = 1, max = limits::OBJECT))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$')")
        .message("runtime.model must be the name of a model: letters, digits, '-', '_' and '.', a letter or digit first and last"))]
    pub model: String,
    /// Ports on which the image listens.
    #[serde(default)]
    pub ports: RuntimePorts,
    /// Variables of the image's environment, at most 32. They come after `UNDERSTUDY_MODEL_FILE` (the path of the model file),
    /// `UNDERSTUDY_MODEL_NAME`, `UNDERSTUDY_HOST` and `UNDERSTUDY_PORT`, which a value may use as `$(UNDERSTUDY_MODEL_FILE)`.
    /// They are public: anybody who may read the `ModelVersion` reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = ENTRIES))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<RuntimeVariable>,
    /// Arguments of the image's entry point, at most 32, instead of its own. They may use the variables as
    /// `$(UNDERSTUDY_PORT)`. Without them, the image starts with its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = ENTRIES), inner(length(max = VALUE)))]
    pub args: Vec<String>,
    /// CPU and memory that the image's container requests and may use in each pod, in addition to `spec.resources` of the
    /// `ModelDeployment`. Without it, it has the defaults of the namespace's `LimitRange`, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = rules::resources)]
    pub resources: Option<ResourceRequirements>,
}

/// A protocol between the server and an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Protocol {
    /// The Open Inference Protocol v2 over HTTP.
    #[default]
    #[serde(rename = "OIP")]
    Oip,
}

/// Ports on which the image listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimePorts {
    /// Port of HTTP, from 1024 to 65535, and none of the server's own (8080, 8081, 8082 and 9090). Default 9000. The image
    /// should listen on 127.0.0.1 only.
    #[serde(default = "http")]
    #[schemars(range(min = 1024, max = 65535))]
    #[x_kube(validation = Rule::new("!(self in [8080, 8081, 8082, 9090])")
        .message("runtime.ports.http must not be 8080, 8081, 8082 or 9090: these are ports of the server in the same pod"))]
    pub http: i32,
}

impl Default for RuntimePorts {
    fn default() -> Self {
        Self { http: http() }
    }
}

/// A variable of the image's environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuntimeVariable {
    /// Name of the variable: letters, digits and `_`. Names that begin with `UNDERSTUDY_` belong to the operator.
    #[schemars(length(min = 1, max = limits::OBJECT))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z_][A-Za-z0-9_]*$') && !self.startsWith('UNDERSTUDY_')")
        .message("name of a variable in runtime.env must consist of letters, digits and '_', with a letter or '_' first, and must not begin with UNDERSTUDY_"))]
    pub name: String,
    /// Value of the variable, at most 4096 characters. Default: empty.
    #[serde(default)]
    #[schemars(length(max = VALUE))]
    pub value: String,
}

impl Runtime {
    /// The digest of the image, with its algorithm: `sha256:<hex>`. The whole text if it has none, which the schema does not
    /// allow.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.image.rsplit('@').next().unwrap_or(&self.image)
    }

    /// Whether the image comes from one of these registries. Each is a host, with a port or without, and a path or none:
    /// `registry.example.com/team-a` allows `registry.example.com/team-a/mlserver@...`, and not
    /// `registry.example.com/team-abc/...`.
    #[must_use]
    pub fn comes_from(&self, registries: &[String]) -> bool {
        registries.iter().map(|registry| registry.trim_end_matches('/')).any(|registry| {
            !registry.is_empty()
                && self.image.strip_prefix(registry).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn runtime(image: &str) -> Runtime {
        serde_json::from_value(json!({"image": image})).expect("a runtime")
    }

    #[test]
    fn an_image_comes_from_a_registry_only_if_the_next_character_ends_its_path() {
        let of = |image: &str, registry: &str| {
            runtime(&format!("{image}@sha256:00")).comes_from(&[registry.to_owned()])
        };
        assert!(of("registry.example.com/team-a/mlserver", "registry.example.com/team-a"));
        assert!(of("registry.example.com/team-a/mlserver", "registry.example.com/team-a/"));
        assert!(of("registry.example.com/team-a/mlserver", "registry.example.com"));
        assert!(of("registry.example.com:5000/mlserver", "registry.example.com:5000"));
        for (image, registry) in [
            ("registry.example.com/team-abc/mlserver", "registry.example.com/team-a"),
            ("registry.example.com.evil.example/mlserver", "registry.example.com"),
            ("registry.example.com:5000/mlserver", "registry.example.com"),
            ("registry.example.com:50001/mlserver", "registry.example.com:5000"),
            ("evil.example/registry.example.com/mlserver", "registry.example.com"),
            ("registry.example.com/mlserver", ""),
            ("registry.example.com/mlserver", "/"),
        ] {
            assert!(!of(image, registry), "{image} is not from {registry}");
        }
        assert!(!runtime("registry.example.com/mlserver@sha256:00").comes_from(&[]), "the default is none");
    }

    #[test]
    fn the_digest_of_an_image_is_what_follows_the_at_sign() {
        assert_eq!(runtime("registry.example.com:5000/a/b@sha256:0a1b").digest(), "sha256:0a1b");
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        let found = runtime("registry.example.com/a@sha256:00");
        assert_eq!((found.model.as_str(), found.ports.http, found.protocol), ("model", 9000, Protocol::Oip));
    }
}
