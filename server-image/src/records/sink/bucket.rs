//! `s3://bucket/prefix`: a folder in a bucket.

use futures::{StreamExt, TryStreamExt};
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload, aws::AmazonS3, path::Path};
use understudy_contract::{Failure, Reason};

use super::error::SinkError;
use crate::{
    artifact::{Secret, innermost, s3},
    records::file_name::day_of_folder,
};

/// Most objects that are removed concurrently.
const AT_ONCE: usize = 8;

/// A folder in a bucket: all objects with one prefix.
pub(in crate::records) struct BucketFolder {
    store: AmazonS3,
    prefix: Path,
    uri: String,
    /// Whether a Secret is requested, and has no known key.
    without_keys: bool,
}

impl BucketFolder {
    pub(super) fn new(
        bucket: &str,
        prefix: &str,
        secret: &Secret,
        without_keys: bool,
    ) -> Result<Self, Failure> {
        let uri = format!("s3://{bucket}/{prefix}");
        let prefix = Path::parse(prefix)
            .map_err(|error| Failure::new(Reason::UnsupportedUri, format!("{uri}: {error}")))?;
        Ok(Self { store: s3::connect(bucket, &uri, secret)?, prefix, uri, without_keys })
    }

    pub(super) async fn put(&self, folder: &str, file: &str, bytes: PutPayload) -> Result<(), SinkError> {
        let path = self.prefix.clone().join(folder).join(file);
        self.store.put(&path, bytes).await.map_err(|error| self.failed("put", file, &error))?;
        Ok(())
    }

    pub(super) async fn expire(&self, day: i64, limit: usize) -> Result<usize, SinkError> {
        let failed = |error: &Error| self.failed("list", "folders", error);
        let folders =
            self.store.list_with_delimiter(Some(&self.prefix)).await.map_err(|error| failed(&error))?;
        let old = |folder: &Path| {
            let name = folder.filename().unwrap_or_default();
            day_of_folder(name).is_some_and(|folder| folder < day)
        };
        let mut removed = 0;
        for folder in folders.common_prefixes.iter().filter(|folder| old(folder)) {
            let files = self.store.list(Some(folder)).map_err(|error| failed(&error));
            let ours = files.try_filter(|file| {
                std::future::ready(file.location.filename().is_some_and(|name| name.ends_with(".parquet")))
            });
            // One request for each object: some S3 stores cannot remove many objects with one request.
            removed += ours
                .take(limit - removed)
                .map(|file| async {
                    let file = file?.location;
                    match self.store.delete(&file).await {
                        // Another pod of the deployment may have removed the object.
                        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                        Err(error) => Err(self.failed("remove", file.as_ref(), &error)),
                    }
                })
                .buffer_unordered(AT_ONCE)
                .try_fold(0, |removed, ()| std::future::ready(Ok(removed + 1)))
                .await?;
        }
        Ok(removed)
    }

    fn failed(&self, what: &str, file: &str, error: &Error) -> SinkError {
        let Self { uri, without_keys, .. } = self;
        let denied = matches!(error, Error::PermissionDenied { .. } | Error::Unauthenticated { .. });
        let hint = if denied && *without_keys {
            "; the Secret of recording.sink.secretRef does not exist or has none of the keys that a store needs"
        } else {
            ""
        };
        SinkError(format!("failed to {what} {file} in {uri}: {}{hint}", innermost(error)))
    }
}
