//! The sink of the records: a folder in a bucket or on a mounted PVC. Readers never see part of a file.

mod bucket;
mod error;
mod pvc;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::PutPayload;
use tokio::sync::Semaphore;
use understudy_contract::{Failure, Reason};

use crate::artifact::{Secret, Uri};

pub(super) use error::SinkError;

/// Longest time of one operation. A longer one fails.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A folder in a bucket or on a PVC.
#[derive(Debug)]
pub struct Sink {
    uri: String,
    place: Place,
    secret_dir: Option<PathBuf>,
}

#[derive(Debug)]
enum Place {
    Bucket { bucket: String, prefix: String },
    Pvc { mount: PathBuf, path: String, permits: Arc<Semaphore> },
}

impl Sink {
    /// The sink at `uri`: `s3://bucket/prefix` with the keys of the Secret in `secret_dir`, or `pvc://name/prefix` on
    /// the PVC that is mounted at `pvc_dir`.
    ///
    /// Does not connect. An unreachable sink is not an error here: records wait in the spool until it is reachable.
    pub fn new(uri: &str, secret_dir: Option<&Path>, pvc_dir: Option<&Path>) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(Reason::UnsupportedUri, format!("{uri}: {what}"));
        let place = match Uri::parse(uri.trim_end_matches('/'))? {
            Uri::S3 { bucket, key } => Place::Bucket { bucket, prefix: key },
            Uri::Pvc { path, .. } => {
                let mount = pvc_dir.ok_or_else(|| {
                    wrong("a pvc:// sink needs --record-pvc-dir, the directory where the PVC is mounted")
                })?;
                Place::Pvc { mount: mount.to_owned(), path, permits: Arc::new(Semaphore::new(pvc::AT_ONCE)) }
            }
            Uri::Https(_) => return Err(wrong("the sink of records must be s3:// or pvc://")),
        };
        Ok(Self { uri: uri.to_owned(), place, secret_dir: secret_dir.map(Path::to_owned) })
    }

    /// Connects to the sink, with the credentials that the Secret has now.
    pub(super) fn connect(&self) -> Result<Connection, SinkError> {
        match &self.place {
            Place::Bucket { bucket, prefix } => {
                let secret = Secret::read(self.secret_dir.as_deref());
                let connected = secret.and_then(|secret| {
                    let requested = self.secret_dir.is_some();
                    bucket::BucketFolder::new(
                        bucket,
                        prefix,
                        &secret,
                        requested && secret == Secret::default(),
                    )
                });
                connected.map(Connection::Bucket).map_err(|failure| SinkError(failure.message))
            }
            Place::Pvc { mount, path, permits } => {
                Ok(Connection::Pvc(pvc::PvcFolder::new(mount, path, &self.uri, permits)))
            }
        }
    }
}

/// A connection to the sink.
pub(super) enum Connection {
    Bucket(bucket::BucketFolder),
    Pvc(pvc::PvcFolder),
}

impl Connection {
    /// Writes a file into a folder, and replaces a file of the same name.
    pub(super) async fn put(&self, folder: &str, file: &str, bytes: PutPayload) -> Result<(), SinkError> {
        with_timeout(async {
            match self {
                Self::Bucket(bucket) => bucket.put(folder, file, bytes).await,
                Self::Pvc(pvc) => pvc.put(folder, file, bytes).await,
            }
        })
        .await
    }

    /// Removes at most `limit` files of days before `day`, and returns the number of removed files.
    pub(super) async fn expire(&self, day: i64, limit: usize) -> Result<usize, SinkError> {
        with_timeout(async {
            match self {
                Self::Bucket(bucket) => bucket.expire(day, limit).await,
                Self::Pvc(pvc) => pvc.expire(day, limit).await,
            }
        })
        .await
    }
}

async fn with_timeout<T>(operation: impl Future<Output = Result<T, SinkError>>) -> Result<T, SinkError> {
    let ended = tokio::time::timeout(TIMEOUT, operation).await;
    ended.unwrap_or_else(|_| {
        Err(SinkError(format!("the sink did not respond within {} s", TIMEOUT.as_secs())))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::web("https://example.org/records", "s3:// or pvc://")]
    #[case::up("pvc://shared/../secret", "`..`")]
    #[case::no_folder("s3://records", "s3://name/path")]
    fn a_uri_that_cannot_be_a_sink_is_rejected(#[case] uri: &str, #[case] expected: &str) {
        let failure = Sink::new(uri, None, Some(Path::new("/mnt"))).unwrap_err();
        assert!(failure.message.contains(expected), "{failure}");
    }

    #[test]
    fn a_pvc_must_be_mounted() {
        let failure = Sink::new("pvc://shared/records", None, None).unwrap_err();
        assert!(failure.message.contains("--record-pvc-dir"), "{failure}");
    }

    /// The egress guard checks the sink's address as well as those of models.
    #[test]
    fn a_metadata_service_cannot_be_a_sink() {
        let secret = tempfile::tempdir().unwrap();
        std::fs::write(secret.path().join("AWS_ENDPOINT_URL"), "http://169.254.169.254").unwrap();
        let sink = Sink::new("s3://records/team/", Some(secret.path()), None).unwrap();
        let error = sink.connect().err().unwrap().to_string();
        assert!(error.contains("never calls"), "{error}");
    }
}
