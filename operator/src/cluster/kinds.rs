//! Reads the two kinds of Understudy from the API server, and writes their status with the read object as precondition.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams},
    core::{Status, object::HasStatus},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{apply::Owned, status_patch::status_patch};
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
                kube::Error::Api(status) if status.is_conflict() || is_stale_patch(status) => {
                    Reason::Conflict
                }
                kube::Error::Api(status) if status.is_not_found() => Reason::Gone,
                _ => Reason::WriteStatusFailed,
            },
        }
    }

    /// Whether the object exists and cannot be parsed, for example because a newer operator has written it.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, Self::Read { source, .. } if matches!(source.as_ref(), kube::Error::SerdeError(_)))
    }

    /// Whether another writer changed or deleted the object after it was read, so that the decision must be made again.
    pub fn had_no_effect(&self) -> bool {
        matches!(self.reason(), Reason::Conflict | Reason::Gone)
    }
}

/// Whether a JSON patch did not fit the object, because another writer has changed it. Then the API server does not come to
/// compare the resourceVersion.
fn is_stale_patch(status: &Status) -> bool {
    status.is_invalid() && status.message.contains("due to an error in our request")
}

/// The present object on the API server, or `None` if it does not exist.
pub async fn get<K: Owned>(client: &Client, namespace: &str, name: &str) -> Result<Option<K>, Error> {
    Api::<K>::namespaced(client.clone(), namespace).get_opt(name).await.map_err(|source| Error::Read {
        kind: K::kind(&()).into_owned(),
        name: name.to_owned(),
        source: Box::new(source),
    })
}

/// Writes the difference between the status of `read`, as it was read from the API server, and that of `next`. Fails with
/// a conflict if the object has changed since it was read. Without a difference nothing is written.
///
/// Fields that this operator does not know stay as they are: a newer operator may have written them.
pub async fn write_status<K>(client: &Client, read: &K, next: &K) -> Result<K, Error>
where
    K: Owned + HasStatus,
    K::Status: Serialize,
{
    let name = read.name_any();
    let json = |object: &K| {
        object.status().map(|status| serde_json::to_value(status).expect("the keys of a status are strings"))
    };
    let after = json(next).unwrap_or_else(|| Value::Object(Map::new()));
    let failed = |source| Error::WriteStatus { name: name.clone(), source: Box::new(source) };
    let Some(version) = read.resource_version() else {
        // A write without a precondition could undo that of another writer.
        let status = Status::failure("the object has no resourceVersion", "Conflict").with_code(409);
        return Err(failed(kube::Error::Api(status.boxed())));
    };
    let patch = status_patch(json(read).as_ref(), &after, &version);
    if patch.0.is_empty() {
        return Ok(next.clone());
    }
    let api: Api<K> = Api::namespaced(client.clone(), &read.namespace().unwrap_or_default());
    api.patch_status(&name, &PatchParams::default(), &Patch::<()>::Json(patch)).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;
    use understudy_crds::{ModelVersion, Stage};

    use super::*;
    use crate::{
        fixtures::{staged, version},
        mock_api::{Cluster, Scenario, get, write_status as writes},
    };

    const STATUS: &str = "/modelversions/fraud-1.3.0/status";

    fn read() -> ModelVersion {
        version("1.3.0", json!({"status": staged("1.3.0")}))
    }

    fn archived() -> ModelVersion {
        let mut next = read();
        next.status.get_or_insert_default().stage = Stage::Archived;
        next
    }

    #[rstest]
    #[case::somebody_wrote_in_between(409, "Conflict", "no", Reason::Conflict)]
    #[case::the_patch_does_not_fit_what_somebody_wrote(
        422,
        "Invalid",
        "the server rejected our request due to an error in our request",
        Reason::Conflict
    )]
    #[case::the_status_is_invalid(422, "Invalid", "status.reason: Too long", Reason::WriteStatusFailed)]
    #[case::somebody_deleted_it_in_between(404, "NotFound", "no", Reason::Gone)]
    #[case::anything_else(500, "InternalError", "no", Reason::WriteStatusFailed)]
    #[tokio::test]
    async fn a_conflict_and_a_deleted_object_are_distinguished_from_failures(
        #[case] code: u16,
        #[case] said: &str,
        #[case] message: &str,
        #[case] reason: Reason,
    ) {
        let mut cluster = Cluster::new();
        cluster.sees(&read());
        let client = cluster.client();
        let scenario = Scenario::new().then(writes(STATUS).fails(code, said, message));
        let (read, next) = (read(), archived());
        let written = cluster.play(scenario, write_status(&client, &read, &next)).await;
        let error = written.expect_err("a refusal");
        assert_eq!(error.reason(), reason);
        assert_eq!(error.to_string(), "failed to write the status of fraud-1.3.0");
    }

    #[tokio::test]
    async fn a_field_that_only_a_newer_operator_knows_survives_the_write_of_an_older_one() {
        let mut cluster = Cluster::new();
        let client = cluster.client();
        let mut stored = serde_json::to_value(read()).expect("a version is JSON");
        stored["status"]["newer"] = json!("kept");
        stored["status"]["history"][0]["newer"] = json!("kept");
        let scenario = Scenario::new().then(get("/modelversions/fraud-1.3.0").finds(&stored)).then(
            writes(STATUS).with(|sent| {
                assert_eq!(sent["metadata"]["resourceVersion"], "200");
                assert_eq!(sent["status"]["stage"], "Archived");
                assert_eq!(sent["status"]["newer"], "kept");
                assert_eq!(sent["status"]["history"][0]["newer"], "kept");
            }),
        );
        let written = cluster.play(scenario, async {
            let read: ModelVersion = get_one(&client).await;
            let mut next = read.clone();
            next.status.get_or_insert_default().stage = Stage::Archived;
            write_status(&client, &read, &next).await
        });
        written.await.expect("it is written");
    }

    async fn get_one(client: &Client) -> ModelVersion {
        super::get(client, "risk", "fraud-1.3.0").await.expect("an answer").expect("it exists")
    }

    #[tokio::test]
    async fn nothing_is_written_without_a_precondition() {
        let mut cluster = Cluster::new();
        let client = cluster.client();
        let mut unversioned = read();
        unversioned.metadata.resource_version = None;
        let next = archived();
        let written = cluster.play(Scenario::new(), write_status(&client, &unversioned, &next)).await;
        assert_eq!(written.expect_err("a refusal").reason(), Reason::Conflict);
    }
}
