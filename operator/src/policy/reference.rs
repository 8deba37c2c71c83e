//! Compares the policy on the API server with the one that the chart installed.

use std::path::{Path, PathBuf};

use k8s_openapi::{
    api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use understudy_crds::PolicyReference;

use crate::{cluster::diff::difference, error_chain::is_unanswered};

/// The policy differs from the installed one, or could not be compared.
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
    #[error("{kind} {name} does not exist: install the chart's approval policy again")]
    Missing { kind: String, name: String },
    #[error("{kind} {name} was changed at spec{path}: install the chart's approval policy again")]
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

/// Policy and binding as the chart rendered them.
pub struct Expected {
    policy: (String, Value),
    binding: (String, Value),
}

impl Expected {
    /// Reads `policy.json` and `binding.json`, the `spec` of each.
    pub fn read(files: &Path, policy: &str, binding: &str) -> Result<Self, Error> {
        Ok(Self {
            policy: (policy.to_owned(), read(files.join("policy.json"))?),
            binding: (binding.to_owned(), read(files.join("binding.json"))?),
        })
    }

    /// The identity of policy and binding on the API server, if both are as the chart rendered them.
    pub async fn compare(&self, client: &Client) -> Result<Installed, Error> {
        let (policy, binding) = tokio::try_join!(
            same::<ValidatingAdmissionPolicy>(client, &self.policy),
            same::<ValidatingAdmissionPolicyBinding>(client, &self.binding)
        )?;
        let fingerprint = format!("{} {}", identity(&policy.metadata), identity(&binding.metadata));
        let policy = PolicyReference {
            uid: policy.metadata.uid.unwrap_or_default(),
            resource_version: policy.metadata.resource_version.unwrap_or_default(),
        };
        Ok(Installed { policy, fingerprint })
    }
}

/// The policy and its binding on the API server.
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

fn read(path: PathBuf) -> Result<Value, Error> {
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| Error::Parse { path, source })
}

async fn same<K>(client: &Client, (name, expected): &(String, Value)) -> Result<K, Error>
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
        .map_err(|source| Error::Get { kind: kind.clone(), name: name.clone(), source: Box::new(source) })?
        .ok_or_else(|| Error::Missing { kind: kind.clone(), name: name.clone() })?;
    let actual = serde_json::to_value(&found).unwrap_or_default();
    match changed(expected, &actual["spec"]) {
        Some(path) => Err(Error::Changed { kind, name: name.clone(), path }),
        None => Ok(found),
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
