//! Opens files on a mounted PVC without following a symbolic link.
//!
//! Anyone who can write to the PVC can exchange a directory and a link at any time. A check before the file is opened would be
//! too early, so the kernel checks while it opens (`openat2`). Where `openat2` is not allowed or unknown, each part of the path is
//! opened relative to the one before it.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, openat, openat2, statat},
    io::Errno,
};

/// Opens a mounted folder. Its own path may contain symbolic links, as the kubelet makes them.
pub(crate) fn mount(path: &Path) -> Result<OwnedFd, Errno> {
    openat(CWD, path, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// Opens what is at `path` below `folder`. Fails with `LOOP` if a part of the path is a symbolic link, and with `XDEV` if it
/// may lead out of the folder.
pub(crate) fn open(folder: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    // While anything on the machine is renamed, the kernel cannot say where `..` leads, and fails with `AGAIN`.
    if path.split('/').any(|part| part == "..") {
        return Err(Errno::XDEV);
    }
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(&folder, path, flags | OFlags::CLOEXEC, Mode::empty(), within) {
        // An old kernel, or a seccomp profile that forbids the call.
        Err(Errno::NOSYS | Errno::PERM) => step_by_step(folder, path, flags),
        opened => opened,
    }
}

fn step_by_step(folder: impl AsFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(Errno::XDEV);
    }
    let Some((parents, name)) = path.rsplit_once('/') else { return step(folder, path, flags) };
    let mut parts = parents.split('/');
    let directory = OFlags::DIRECTORY | OFlags::RDONLY;
    let first = step(folder, parts.next().unwrap_or_default(), directory)?;
    step(parts.try_fold(first, |parent, part| step(parent, part, directory))?, name, flags)
}

fn step(folder: impl AsFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let opened = openat(&folder, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty());
    // A link in the place of a directory is no directory either. Only the message depends on this.
    let is_link = || {
        statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
    };
    match opened {
        Err(Errno::NOTDIR) if is_link() => Err(Errno::LOOP),
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        io::Read,
        os::unix::fs::symlink,
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use rstest::rstest;
    use rustix::fs::{RenameFlags, renameat_with};
    use tempfile::TempDir;

    use super::*;

    type Open = fn(&OwnedFd, &str, OFlags) -> Result<OwnedFd, Errno>;

    fn by_the_kernel(folder: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        open(folder, path, flags)
    }

    fn without_openat2(folder: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        step_by_step(folder, path, flags)
    }

    /// `fraud/model.onnx`, a folder outside with another one, and links to it.
    fn folders() -> (TempDir, TempDir) {
        let (pvc, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        fs::create_dir(pvc.path().join("fraud")).unwrap();
        fs::write(pvc.path().join("fraud/model.onnx"), "model").unwrap();
        fs::write(outside.path().join("model.onnx"), "secret").unwrap();
        symlink(outside.path(), pvc.path().join("link")).unwrap();
        symlink("model.onnx", pvc.path().join("fraud/same")).unwrap();
        symlink(outside.path().join("model.onnx"), pvc.path().join("file")).unwrap();
        (pvc, outside)
    }

    #[rstest]
    fn a_path_stays_below_its_folder_and_follows_no_link(
        #[values(by_the_kernel, without_openat2)] open: Open,
    ) {
        let (pvc, _outside) = folders();
        let folder = mount(pvc.path()).unwrap();
        let error = |path: &str| open(&folder, path, OFlags::RDONLY).err();
        assert_eq!(error("fraud/model.onnx"), None);
        assert_eq!(error("fraud/missing"), Some(Errno::NOENT));
        assert_eq!(error("fraud/model.onnx/deeper"), Some(Errno::NOTDIR));
        for link in ["link/model.onnx", "file", "fraud/same"] {
            assert_eq!(error(link), Some(Errno::LOOP), "{link}");
        }
        for out in ["../model.onnx", "fraud/../../model.onnx", "/etc/passwd"] {
            assert_eq!(error(out), Some(Errno::XDEV), "{out}");
        }
    }

    /// Somebody who can write to the PVC exchanges a directory and a link all the time.
    #[rstest]
    fn a_link_that_appears_while_a_file_is_opened_is_not_followed(
        #[values(by_the_kernel, without_openat2)] open: Open,
    ) {
        let (pvc, _outside) = folders();
        let folder = mount(pvc.path()).unwrap();
        let (one, other) = (pvc.path().join("fraud"), pvc.path().join("link"));
        let done = AtomicBool::new(false);
        let exchange = || renameat_with(CWD, &one, CWD, &other, RenameFlags::EXCHANGE).unwrap();
        let read = || {
            assert_eq!(open(&folder, "fraud/../../model.onnx", OFlags::RDONLY).err(), Some(Errno::XDEV));
            let mut text = String::new();
            let opened = open(&folder, "fraud/model.onnx", OFlags::RDONLY).ok()?;
            File::from(opened).read_to_string(&mut text).unwrap();
            Some(text)
        };
        let texts: Vec<_> = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    exchange();
                }
            });
            let texts = (0..20_000).filter_map(|_| read()).collect();
            done.store(true, Ordering::Relaxed);
            texts
        });
        assert!(!texts.is_empty(), "the file is read while it is there");
        assert!(texts.iter().all(|text| text == "model"), "a file outside of the folder was read");
    }
}
