//! Where records are kept: a bucket or a mounted claim. A file is there whole or not at all.

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

pub(super) use error::SinkError;

use crate::{
    artifact::{Secret, Uri},
    failure::{Failure, Reason},
};

/// Longest that one operation may take; then it has failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// A folder in a bucket or on a claim.
#[derive(Debug)]
pub struct Sink {
    uri: String,
    place: Place,
    secret_dir: Option<PathBuf>,
}

#[derive(Debug)]
enum Place {
    Bucket { bucket: String, prefix: String },
    Pvc { mount: PathBuf, path: String, free: Arc<Semaphore> },
}

impl Sink {
    /// The sink that `uri` names: `s3://bucket/prefix` with the keys of the Secret in `secret_dir`, or
    /// `pvc://name/prefix` in the claim that is mounted at `pvc_dir`.
    ///
    /// Nothing is connected yet. A sink that cannot be reached is no failure: records wait for it.
    pub fn new(uri: &str, secret_dir: Option<&Path>, pvc_dir: Option<&Path>) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(Reason::UnsupportedUri, format!("{uri}: {what}"));
        let place = match Uri::parse(uri.trim_end_matches('/'))? {
            Uri::S3 { bucket, key } => Place::Bucket { bucket, prefix: key },
            Uri::Pvc { path, .. } => {
                let mount = pvc_dir.ok_or_else(|| {
                    wrong("a pvc:// sink needs --record-pvc-dir, where its claim is mounted")
                })?;
                Place::Pvc { mount: mount.to_owned(), path, free: Arc::new(Semaphore::new(pvc::AT_ONCE)) }
            }
            Uri::Https(_) => return Err(wrong("records are kept in s3:// or pvc://")),
        };
        Ok(Self { uri: uri.to_owned(), place, secret_dir: secret_dir.map(Path::to_owned) })
    }

    /// The sink, ready for use, with the credentials as they are now.
    pub(super) fn connect(&self) -> Result<Connection, SinkError> {
        match &self.place {
            Place::Bucket { bucket, prefix } => {
                let secret = Secret::read(self.secret_dir.as_deref());
                let connected = secret.and_then(|secret| {
                    let asked = self.secret_dir.is_some();
                    bucket::BucketFolder::new(bucket, prefix, &secret, asked && secret == Secret::default())
                });
                connected.map(Connection::Bucket).map_err(|failure| SinkError(failure.message))
            }
            Place::Pvc { mount, path, free } => {
                Ok(Connection::Pvc(pvc::PvcFolder::new(mount, path, &self.uri, free)))
            }
        }
    }
}

/// A sink in use.
pub(super) enum Connection {
    Bucket(bucket::BucketFolder),
    Pvc(pvc::PvcFolder),
}

impl Connection {
    /// Puts a file into a folder, in place of one that has its name.
    pub(super) async fn put(&self, folder: &str, file: &str, bytes: PutPayload) -> Result<(), SinkError> {
        patiently(async {
            match self {
                Self::Bucket(bucket) => bucket.put(folder, file, bytes).await,
                Self::Pvc(pvc) => pvc.put(folder, file, bytes).await,
            }
        })
        .await
    }

    /// Removes the files of days before `day`, at most `limit` of them, and returns how many it has removed.
    pub(super) async fn expire(&self, day: i64, limit: usize) -> Result<usize, SinkError> {
        patiently(async {
            match self {
                Self::Bucket(bucket) => bucket.expire(day, limit).await,
                Self::Pvc(pvc) => pvc.expire(day, limit).await,
            }
        })
        .await
    }
}

async fn patiently<T>(operation: impl Future<Output = Result<T, SinkError>>) -> Result<T, SinkError> {
    let ended = tokio::time::timeout(PATIENCE, operation).await;
    ended.unwrap_or_else(|_| Err(SinkError(format!("no end after {} s", PATIENCE.as_secs()))))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::web("https://example.org/records", "s3:// or pvc://")]
    #[case::up("pvc://shared/../secret", "`..`")]
    #[case::no_folder("s3://records", "s3://name/path")]
    fn a_place_that_cannot_be_a_sink_is_refused(#[case] uri: &str, #[case] expected: &str) {
        let failure = Sink::new(uri, None, Some(Path::new("/claim"))).unwrap_err();
        assert!(failure.message.contains(expected), "{failure}");
    }

    #[test]
    fn a_claim_must_be_mounted() {
        let failure = Sink::new("pvc://shared/records", None, None).unwrap_err();
        assert!(failure.message.contains("--record-pvc-dir"), "{failure}");
    }

    /// The way out is guarded for records as it is for models: `artifact::egress_guard`.
    #[test]
    fn a_metadata_service_is_no_sink() {
        let secret = tempfile::tempdir().unwrap();
        std::fs::write(secret.path().join("AWS_ENDPOINT_URL"), "http://169.254.169.254").unwrap();
        let sink = Sink::new("s3://records/team/", Some(secret.path()), None).unwrap();
        let error = sink.connect().err().unwrap().to_string();
        assert!(error.contains("never calls"), "{error}");
    }
}
