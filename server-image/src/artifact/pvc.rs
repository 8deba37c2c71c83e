//! `pvc://claim/path`: a file of the mounted claim, reached through real directories only.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use bytes::BytesMut;
use futures::StreamExt;
use tokio::io::AsyncReadExt;

use super::fetch_error::{Chunks, FetchError};
use crate::failure::{Failure, Reason};

/// Large enough that reading costs little more than hashing.
const CHUNK: usize = 1 << 20;

/// One file of a claim.
pub(super) struct PvcSource {
    path: PathBuf,
}

impl PvcSource {
    /// The file at `path` below `mount`.
    ///
    /// Whoever can write to the claim could otherwise point it at the pod's own files: every part of the path must
    /// be a real directory, the last one a regular file with one name.
    pub(super) fn new(mount: Option<&Path>, path: &str) -> Result<Self, Failure> {
        let mount = mount.ok_or_else(|| {
            Failure::new(
                Reason::UnsupportedUri,
                "a pvc:// artifact needs --pvc-dir, where its claim is mounted",
            )
        })?;
        let mut here = mount.to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        for (position, part) in parts.iter().enumerate() {
            here.push(part);
            let found = here.symlink_metadata().map_err(|error| missing(&here, &error))?;
            let refused = |what: &str| {
                let shown: PathBuf = parts[..=position].iter().collect();
                Err(Failure::new(Reason::ArtifactForbidden, format!("`{}` {what}", shown.display())))
            };
            if found.is_symlink() {
                return refused("is a symbolic link, which is never followed");
            }
            let last = position + 1 == parts.len();
            if last && !found.is_file() {
                return refused("is no regular file");
            }
            if last && found.nlink() > 1 {
                return refused("has more than one name (a hard link), which is never followed");
            }
        }
        Ok(Self { path: here })
    }

    pub(super) async fn open(&self) -> Result<Chunks, FetchError> {
        let broken =
            |error: std::io::Error| FetchError { failure: missing(&self.path, &error), transient: false };
        let file = tokio::fs::File::open(&self.path).await.map_err(broken)?;
        let path = self.path.clone();
        let chunks = futures::stream::try_unfold(file, move |mut file| {
            let path = path.clone();
            async move {
                let mut chunk = BytesMut::with_capacity(CHUNK);
                match file.read_buf(&mut chunk).await {
                    Ok(0) => Ok(None),
                    Ok(_) => Ok(Some((chunk.freeze(), file))),
                    Err(error) => {
                        Err(FetchError::transient(format!("failed to read {}: {error}", path.display())))
                    }
                }
            }
        });
        Ok(chunks.boxed())
    }
}

fn missing(path: &Path, error: &std::io::Error) -> Failure {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Reason::ArtifactNotFound,
        std::io::ErrorKind::PermissionDenied => Reason::ArtifactForbidden,
        _ => Reason::ArtifactUnreachable,
    };
    Failure::new(reason, format!("failed to open {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn reason(mount: &Path, path: &str) -> Option<Reason> {
        PvcSource::new(Some(mount), path).err().map(|failure| failure.reason)
    }

    #[test]
    fn a_link_out_of_the_claim_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let claim = tempfile::tempdir().unwrap();
        symlink(outside.path(), claim.path().join("directory")).unwrap();
        symlink(outside.path().join("secret"), claim.path().join("file")).unwrap();
        assert_eq!(reason(claim.path(), "directory/secret"), Some(Reason::ArtifactForbidden));
        assert_eq!(reason(claim.path(), "file"), Some(Reason::ArtifactForbidden));
    }

    #[test]
    fn a_second_name_of_a_file_is_not_followed() {
        let claim = tempfile::tempdir().unwrap();
        std::fs::write(claim.path().join("one"), "x").unwrap();
        std::fs::hard_link(claim.path().join("one"), claim.path().join("two")).unwrap();
        assert_eq!(reason(claim.path(), "two"), Some(Reason::ArtifactForbidden));
    }

    #[test]
    fn a_file_in_a_directory_is_found_and_a_missing_one_named() {
        let claim = tempfile::tempdir().unwrap();
        std::fs::create_dir(claim.path().join("fraud")).unwrap();
        std::fs::write(claim.path().join("fraud/model.onnx"), "x").unwrap();
        assert_eq!(reason(claim.path(), "fraud/model.onnx"), None);
        assert_eq!(reason(claim.path(), "fraud"), Some(Reason::ArtifactForbidden));
        assert_eq!(reason(claim.path(), "fraud/other.onnx"), Some(Reason::ArtifactNotFound));
        assert_eq!(reason(claim.path(), "fraud/model.onnx/deeper"), Some(Reason::ArtifactNotFound));
    }
}
