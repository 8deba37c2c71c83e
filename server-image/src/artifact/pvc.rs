//! `pvc://name/path`: a file on the mounted PVC. The path may contain real directories only.

use std::{
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use bytes::BytesMut;
use futures::StreamExt;
use rustix::{fs::OFlags, io::Errno};
use tokio::io::AsyncReadExt;
use understudy_contract::{Failure, Reason};

use super::fetch_error::{Chunks, FetchError};
use crate::beneath;

/// Bytes of one read. Large enough that reading adds little to the time of hashing.
const CHUNK: usize = 1 << 20;

/// One file on a PVC.
pub(super) struct PvcSource {
    mount: PathBuf,
    path: String,
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
        let source = Self { mount: mount.to_owned(), path: path.to_owned() };
        source.file().map(|_| source)
    }

    /// Opens the file, and checks what was opened: what has the name may change at any time.
    fn file(&self) -> Result<File, Failure> {
        let shown = self.mount.join(&self.path);
        let forbidden =
            |what: &str| Failure::new(Reason::ArtifactForbidden, format!("`{}` {what}", self.path));
        let failed = |error| match error {
            Errno::LOOP | Errno::XDEV => {
                forbidden("contains a symbolic link, which the server never follows")
            }
            error => missing(&shown, &error.into()),
        };
        let mount = beneath::mount(&self.mount).map_err(failed)?;
        // To open a named pipe would otherwise wait until somebody writes to it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = File::from(beneath::open(mount, &self.path, flags).map_err(failed)?);
        let found = file.metadata().map_err(|error| missing(&shown, &error))?;
        if !found.is_file() {
            return Err(forbidden("is not a regular file"));
        }
        if found.nlink() > 1 {
            return Err(forbidden("has a second name (a hard link), which the server never follows"));
        }
        Ok(file)
    }

    pub(super) fn open(&self) -> Result<Chunks, FetchError> {
        let file = self.file().map_err(|failure| FetchError { failure, transient: false })?;
        let (file, path) = (tokio::fs::File::from_std(file), self.mount.join(&self.path));
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
    fn a_named_pipe_does_not_hold_the_server_up() {
        let pvc = tempfile::tempdir().unwrap();
        let pipe = pvc.path().join("model.onnx");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(reason(pvc.path(), "model.onnx"), Some(Reason::ArtifactForbidden));
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
