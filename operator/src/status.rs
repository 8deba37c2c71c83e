//! Writing the status of our own kinds: onto exactly the object that was judged.

use std::fmt::Debug;

use kube::{Api, Client, Resource, ResourceExt, api::PostParams, core::NamespaceResourceScope};
use serde::{Serialize, de::DeserializeOwned};

/// Somebody else wrote in between: the decision must be made again.
pub const CONFLICT: &str = "Conflict";
/// The object was deleted in between: there is nothing to tell any more.
pub const GONE: &str = "Gone";

/// A status could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the status of {name}")]
pub struct Error {
    name: String,
    source: Box<kube::Error>,
}

impl Error {
    /// One word for conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self.source.as_ref() {
            kube::Error::Api(status) if status.is_conflict() => CONFLICT,
            kube::Error::Api(status) if status.is_not_found() => GONE,
            _ => "WriteStatusFailed",
        }
    }
}

/// Replaces the status on the server by that of `object`, if nobody changed the object since it was read.
pub async fn replace<K>(client: &Client, object: &K) -> Result<K, Error>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned,
{
    let name = object.name_any();
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    api.replace_status(&name, &PostParams::default(), object)
        .await
        .map_err(|source| Error { name, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use http::Method;
    use k8s_openapi::api::core::v1::Pod;
    use rstest::rstest;
    use serde_json::{from_value, json};

    use super::*;
    use crate::mock_api::{answer, api, failure};

    #[rstest]
    #[case::somebody_wrote_in_between(409, "Conflict", CONFLICT)]
    #[case::somebody_deleted_it_in_between(404, "NotFound", GONE)]
    #[case::anything_else(500, "InternalError", "WriteStatusFailed")]
    #[tokio::test]
    async fn a_failure_says_whether_it_is_one(#[case] code: u16, #[case] said: &str, #[case] reason: &str) {
        let (client, mut handle) = api();
        let object: Pod =
            from_value(json!({"metadata": {"name": "fraud", "namespace": "risk"}})).expect("an object");
        let server = answer(&mut handle, Method::PUT, code, failure(code, said, "no"));
        let (written, _) = tokio::join!(replace(&client, &object), server);
        let error = written.expect_err("a refusal");
        assert_eq!(error.reason(), reason);
        assert_eq!(error.to_string(), "failed to write the status of fraud");
    }
}
