//! `pvc://name/path`: a file on the mounted PVC. The path may contain real directories only.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use bytes::BytesMut;
use futures::StreamExt;
use tokio::io::AsyncReadExt;
use understudy_contract::{Failure, Reason};

use super::fetch_error::{Chunks, FetchError};

/// Bytes of one read. Large enough that reading adds little to the time of hashing.
const CHUNK: usize = 1 << 20;

/// One file on a PVC.
pub(super) struct PvcSource {
    path: PathBuf,
}

impl PvcSource {
    /// The file at `path` below `mount`.
    ///
    /// Every part of the path must be a real directory, and the last one a regular file without further hard links.
    /// Otherwise anyone who can write to the PVC could make the server read the pod's own files.
    pub(super) fn new(mount: Option<&Path>, path: &str) -> Result<Self, Failure> {
        let mount = mount.ok_or_else(|| {
            Failure::new(
                Reason::UnsupportedUri,
                "a pvc:// artifact needs --pvc-dir, the directory where the PVC is mounted",
            )
        })?;
        let mut here = mount.to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        for (position, part) in parts.iter().enumerate() {
            here.push(part);
            let found = here.symlink_metadata().map_err(|error| missing(&here, &error))?;
            let forbidden = |what: &str| {
                let shown: PathBuf = parts[..=position].iter().collect();
                Err(Failure::new(Reason::ArtifactForbidden, format!("`{}` {what}", shown.display())))
            };
            if found.is_symlink() {
                return forbidden("is a symbolic link, which the server never follows");
            }
            let last = position + 1 == parts.len();
            if last && !found.is_file() {
                return forbidden("is not a regular file");
            }
            if last && found.nlink() > 1 {
                return forbidden("has a second name (a hard link), which the server never follows");
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
    fn a_symbolic_link_to_a_file_outside_of_the_pvc_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        let pvc = tempfile::tempdir().unwrap();
        symlink(outside.path(), pvc.path().join("directory")).unwrap();
        symlink(outside.path().join("secret"), pvc.path().join("file")).unwrap();
        assert_eq!(reason(pvc.path(), "directory/secret"), Some(Reason::ArtifactForbidden));
        assert_eq!(reason(pvc.path(), "file"), Some(Reason::ArtifactForbidden));
    }

    #[test]
    fn a_hard_link_is_not_followed() {
        let pvc = tempfile::tempdir().unwrap();
        std::fs::write(pvc.path().join("one"), "x").unwrap();
        std::fs::hard_link(pvc.path().join("one"), pvc.path().join("two")).unwrap();
        assert_eq!(reason(pvc.path(), "two"), Some(Reason::ArtifactForbidden));
    }

    #[test]
    fn a_file_in_a_directory_is_found_and_a_missing_one_is_reported() {
        let pvc = tempfile::tempdir().unwrap();
        std::fs::create_dir(pvc.path().join("fraud")).unwrap();
        std::fs::write(pvc.path().join("fraud/model.onnx"), "x").unwrap();
        assert_eq!(reason(pvc.path(), "fraud/model.onnx"), None);
        assert_eq!(reason(pvc.path(), "fraud"), Some(Reason::ArtifactForbidden));
        assert_eq!(reason(pvc.path(), "fraud/other.onnx"), Some(Reason::ArtifactNotFound));
        assert_eq!(reason(pvc.path(), "fraud/model.onnx/deeper"), Some(Reason::ArtifactNotFound));
    }
}
