//! Compares policies and bindings on the API server with those that the chart installed.

use std::path::{Path, PathBuf};

use futures::future::join_all;
use k8s_openapi::{
    api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, Resource};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use understudy_crds::PolicyReference;

use crate::{cluster::diff::difference, error_chain::is_unanswered};

/// A policy or binding differs from the installed one, or could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("failed to parse {}", path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("failed to read {kind} {name}")]
    Get {
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("{kind} {name} does not exist: install the chart's policies again")]
    Missing { kind: String, name: String },
    #[error("{kind} {name} was changed at spec{path}: install the chart's policies again")]
    Changed { kind: String, name: String, path: String },
}

impl Error {
    /// The sentence in conditions. `None` if the API server did not answer.
    pub fn finding(&self) -> Option<String> {
        match self {
            Self::Get { source, .. } if is_unanswered(source) => None,
            Self::Get { kind, name, .. } => Some(format!(
                "failed to read {kind} {name}: the operator's log has the answer of the API server"
            )),
            _ => Some(self.to_string()),
        }
    }
}

/// Policies and bindings as the chart rendered them.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Expected(Vec<Object>);

/// A policy or a binding.
#[derive(Deserialize)]
struct Object {
    kind: Kind,
    name: String,
    spec: Value,
}

#[derive(Clone, Copy, Deserialize)]
enum Kind {
    #[serde(rename = "ValidatingAdmissionPolicy")]
    Policy,
    #[serde(rename = "ValidatingAdmissionPolicyBinding")]
    Binding,
}

impl Expected {
    /// The approval policy and its binding, with these names: `policy.json` and `binding.json`, the `spec` of each.
    pub fn approval(files: &Path, policy: &str, binding: &str) -> Result<Self, Error> {
        let object = |kind, name: &str, file| -> Result<Object, Error> {
            Ok(Object { kind, name: name.to_owned(), spec: read(files.join(file))? })
        };
        let policy = object(Kind::Policy, policy, "policy.json")?;
        Ok(Self(vec![policy, object(Kind::Binding, binding, "binding.json")?]))
    }

    /// The guard: `guard.json`, a list of `kind`, `name` and `spec`. `None` if the chart was installed without it.
    pub fn guard(files: &Path) -> Result<Option<Self>, Error> {
        let path = files.join("guard.json");
        if path.exists() { read(path).map(Some) } else { Ok(None) }
    }

    /// The identity of the objects on the API server, if all are as the chart rendered them.
    pub async fn compare(&self, client: &Client) -> Result<Installed, Error> {
        // The first difference in their order, so that the explanation does not vary from check to check.
        let found = join_all(self.0.iter().map(|object| object.compare(client))).await;
        let found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
        let fingerprint = found.iter().map(identity).collect::<Vec<_>>().join(" ");
        let policy = found.into_iter().next().unwrap_or_default();
        let policy = PolicyReference {
            uid: policy.uid.unwrap_or_default(),
            resource_version: policy.resource_version.unwrap_or_default(),
        };
        Ok(Installed { policy, fingerprint })
    }
}

impl Object {
    async fn compare(&self, client: &Client) -> Result<ObjectMeta, Error> {
        match self.kind {
            Kind::Policy => same::<ValidatingAdmissionPolicy>(client, &self.name, &self.spec).await,
            Kind::Binding => same::<ValidatingAdmissionPolicyBinding>(client, &self.name, &self.spec).await,
        }
    }
}

/// A policy and its binding on the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// The policy, for the history of versions.
    pub policy: PolicyReference,
    /// Identity of policy and binding. It changes when either is changed, or deleted and created again.
    pub fingerprint: String,
}

fn identity(metadata: &ObjectMeta) -> String {
    format!("{}/{}", metadata.uid.as_deref().unwrap_or_default(), metadata.generation.unwrap_or_default())
}

fn read<T: DeserializeOwned>(path: PathBuf) -> Result<T, Error> {
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| Error::Parse { path, source })
}

async fn same<K>(client: &Client, name: &str, expected: &Value) -> Result<ObjectMeta, Error>
where
    K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
        + Clone
        + Serialize
        + DeserializeOwned
        + std::fmt::Debug,
{
    let kind = K::kind(&()).into_owned();
    let found = Api::<K>::all(client.clone())
        .get_opt(name)
        .await
        .map_err(|source| Error::Get { kind: kind.clone(), name: name.to_owned(), source: Box::new(source) })?
        .ok_or_else(|| Error::Missing { kind: kind.clone(), name: name.to_owned() })?;
    let actual = serde_json::to_value(&found).unwrap_or_default();
    match changed(expected, &actual["spec"]) {
        Some(path) => Err(Error::Changed { kind, name: name.to_owned(), path }),
        None => Ok(found.meta().clone()),
    }
}

/// Compares in both directions: an added match condition or selector weakens a policy as much as a removed validation.
fn changed(expected: &Value, actual: &Value) -> Option<String> {
    difference(expected, actual).or_else(|| difference(actual, expected))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({"failurePolicy": "Fail", "validations": [{"expression": "a"}]}), None)]
    #[case(json!({"failurePolicy": "Ignore", "validations": [{"expression": "a"}]}), Some(".failurePolicy"))]
    #[case(json!({"failurePolicy": "Fail", "validations": []}), Some(".validations"))]
    #[case(json!({"failurePolicy": "Fail", "validations": [{"expression": "true"}]}), Some(".validations[0].expression"))]
    #[case(json!({"failurePolicy": "Fail", "validations": [{"expression": "a"}], "matchConditions": [{"expression": "false"}]}), Some(".matchConditions"))]
    fn a_weakened_policy_is_recognised(#[case] actual: Value, #[case] path: Option<&str>) {
        let expected = json!({"failurePolicy": "Fail", "validations": [{"expression": "a"}]});
        assert_eq!(changed(&expected, &actual).as_deref(), path);
    }
}
