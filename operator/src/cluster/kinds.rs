//! Reads the two kinds of Understudy from the API server, and writes their status with the read object as precondition.

use kube::{Api, Client, ResourceExt, api::PostParams};

use super::apply::Owned;
use crate::reasons::Kinds as Reason;

/// An object could not be read, or its status could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("failed to read {kind} {name}")]
    Read {
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("failed to write the status of {name}")]
    WriteStatus {
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// The reason in conditions and metrics.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Read { .. } => Reason::ReadFailed,
            Self::WriteStatus { source, .. } => match source.as_ref() {
                kube::Error::Api(status) if status.is_conflict() => Reason::Conflict,
                kube::Error::Api(status) if status.is_not_found() => Reason::Gone,
                _ => Reason::WriteStatusFailed,
            },
        }
    }

    /// Whether another writer changed or deleted the object after it was read, so that the decision must be made again.
    pub fn had_no_effect(&self) -> bool {
        matches!(self.reason(), Reason::Conflict | Reason::Gone)
    }
}

/// The present object on the API server, or `None` if it does not exist.
pub async fn get<K: Owned>(client: &Client, namespace: &str, name: &str) -> Result<Option<K>, Error> {
    Api::<K>::namespaced(client.clone(), namespace).get_opt(name).await.map_err(|source| Error::Read {
        kind: K::kind(&()).into_owned(),
        name: name.to_owned(),
        source: Box::new(source),
    })
}

/// Replaces the status on the API server by that of `object`. Fails with a conflict if the object has changed since it
/// was read.
pub async fn replace_status<K: Owned>(client: &Client, object: &K) -> Result<K, Error> {
    let name = object.name_any();
    let api: Api<K> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    api.replace_status(&name, &PostParams::default(), object)
        .await
        .map_err(|source| Error::WriteStatus { name, source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::{
        fixtures::parse,
        mock_api::{Cluster, Scenario, put},
    };

    #[rstest]
    #[case::somebody_wrote_in_between(409, "Conflict", Reason::Conflict)]
    #[case::somebody_deleted_it_in_between(404, "NotFound", Reason::Gone)]
    #[case::anything_else(500, "InternalError", Reason::WriteStatusFailed)]
    #[tokio::test]
    async fn a_conflict_and_a_deleted_object_are_distinguished_from_failures(
        #[case] code: u16,
        #[case] said: &str,
        #[case] reason: Reason,
    ) {
        let mut cluster = Cluster::new();
        let client = cluster.client();
        let object: Pod = parse(json!({"metadata": {"name": "fraud", "namespace": "risk"}}));
        let scenario = Scenario::new().then(put("/pods/fraud/status").fails(code, said, "no"));
        let written = cluster.play(scenario, replace_status(&client, &object)).await;
        let error = written.expect_err("a refusal");
        assert_eq!(error.reason(), reason);
        assert_eq!(error.to_string(), "failed to write the status of fraud");
    }
}
