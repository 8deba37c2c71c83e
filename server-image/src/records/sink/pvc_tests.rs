use std::{os::unix::fs::symlink, sync::atomic::AtomicUsize};

use futures::FutureExt;

use super::*;

const DAY: &str = "date=2026-11-21";

struct Mounted {
    mount: tempfile::TempDir,
    outside: tempfile::TempDir,
    folder: PvcFolder,
}

fn folder(mount: &Path) -> PvcFolder {
    PvcFolder::new(mount, "risk/fraud", "pvc://shared/risk/fraud", &Arc::new(Semaphore::new(AT_ONCE)))
}

fn mounted() -> Mounted {
    let (mount, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = folder(mount.path());
    Mounted { mount, outside, folder }
}

impl Mounted {
    fn link(&self, name: &str) {
        let link = self.mount.path().join(name);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(self.outside.path(), link).unwrap();
    }

    async fn put(&self) -> Result<(), String> {
        let put = self.folder.put(DAY, "a.parquet", "rows".into()).await;
        put.map_err(|error| error.to_string())
    }

    fn nothing_is_outside(&self) {
        assert_eq!(std::fs::read_dir(self.outside.path()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn put_creates_the_folders_and_replaces_a_file_of_the_same_name() {
    let pvc = mounted();
    pvc.put().await.unwrap();
    pvc.put().await.unwrap();
    let folder = pvc.mount.path().join("risk/fraud").join(DAY);
    assert_eq!(std::fs::read(folder.join("a.parquet")).unwrap(), b"rows");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "no temporary file is left");
}

/// Protects the pod's own files: another user of the PVC may try to make the pod write or remove them.
#[tokio::test]
async fn put_follows_no_symbolic_link_on_the_pvc() {
    for link in ["risk", "risk/fraud", &format!("risk/fraud/{DAY}")] {
        let pvc = mounted();
        pvc.link(link);
        let error = pvc.put().await.unwrap_err();
        assert!(error.contains("symbolic link"), "{link}: {error}");
        pvc.nothing_is_outside();
    }
}

#[tokio::test]
async fn put_replaces_a_symbolic_link_with_the_name_of_the_file_and_does_not_write_through_it() {
    let pvc = mounted();
    let target = pvc.outside.path().join("token");
    std::fs::write(&target, "s3cr3t").unwrap();
    let folder = pvc.mount.path().join("risk/fraud").join(DAY);
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["a.parquet", ".a.parquet.part"] {
        symlink(&target, folder.join(name)).unwrap();
    }
    pvc.put().await.unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"s3cr3t");
    assert_eq!(std::fs::read(folder.join("a.parquet")).unwrap(), b"rows");
    assert!(!folder.join("a.parquet").is_symlink());
}

#[tokio::test]
async fn the_removal_of_old_files_follows_no_symbolic_link_on_the_pvc() {
    for link in ["risk", "risk/fraud", "risk/fraud/date=1970-01-02"] {
        let pvc = mounted();
        let file = pvc.outside.path().join("date=1970-01-02/a.parquet");
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "rows").unwrap();
        std::fs::write(pvc.outside.path().join("a.parquet"), "rows").unwrap();
        pvc.link(link);
        let error = pvc.folder.expire(20_000, 10).await.unwrap_err().to_string();
        assert!(error.contains("symbolic link"), "{link}: {error}");
        assert!(file.exists() && pvc.outside.path().join("a.parquet").exists());
    }
}

#[tokio::test]
async fn expire_removes_at_most_as_many_files_as_its_limit() {
    let pvc = mounted();
    let folder = pvc.mount.path().join("risk/fraud/date=1970-01-02");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["a.parquet", "b.parquet", "c.parquet"] {
        std::fs::write(folder.join(name), "rows").unwrap();
    }
    assert_eq!(pvc.folder.expire(1, 2).await.unwrap(), 0, "the day is not over");
    assert_eq!(pvc.folder.expire(2, 2).await.unwrap(), 2);
    assert_eq!(pvc.folder.expire(2, 2).await.unwrap(), 1);
    assert!(!folder.exists());
    assert_eq!(pvc.folder.expire(2, 2).await.unwrap(), 0);
}

#[tokio::test]
async fn an_error_names_the_file_and_the_pvc() {
    let folder = folder(Path::new("/nowhere"));
    let put = folder.put(DAY, "a.parquet", PutPayload::new()).await.unwrap_err().to_string();
    assert!(put.contains("a.parquet") && put.contains("pvc://shared/risk/fraud"), "{put}");
    assert!(folder.expire(1, 1).await.is_err());
}

/// Protects an analyst whose query runs at that moment.
#[tokio::test]
async fn a_reader_sees_a_complete_file_or_none_during_a_put() {
    const SIZE: usize = 32 << 20;
    let pvc = mounted();
    let folder = pvc.mount.path().join("risk/fraud").join(DAY);
    let (put, over) = (PutPayload::from(vec![7; SIZE]), Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&over);
    let analyst = tokio::task::spawn_blocking(move || {
        while !seen.load(Ordering::Acquire) {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                if !name.starts_with('.') {
                    let size = entry.path().metadata().unwrap().len();
                    assert_eq!((name.as_str(), size), ("a.parquet", SIZE as u64));
                }
            }
        }
    });
    let put = pvc.folder.put(DAY, "a.parquet", put).await;
    over.store(true, Ordering::Release);
    analyst.await.unwrap();
    put.unwrap();
}

/// Protects the pod's memory: each attempt on a PVC that hangs must not hold another thread and another file.
#[tokio::test]
async fn a_pvc_that_hangs_holds_at_most_two_threads() {
    let pvc = mounted();
    let (release, hang) = std::sync::mpsc::channel::<()>();
    let (hang, begun) = (Arc::new(std::sync::Mutex::new(hang)), Arc::new(AtomicUsize::new(0)));
    let (started, mut starts) = tokio::sync::mpsc::unbounded_channel();
    let hanging = || {
        let (hang, begun, started) = (Arc::clone(&hang), Arc::clone(&begun), started.clone());
        pvc.folder.blocking(move |_, _| {
            begun.fetch_add(1, Ordering::SeqCst);
            started.send(()).unwrap();
            let ended = hang.lock().unwrap().recv();
            assert!(ended.is_err(), "an operation hangs until the test drops the sender");
            Ok(())
        })
    };
    for _ in 0..AT_ONCE {
        tokio::select! {
            done = hanging() => panic!("the operation ended: {done:?}"),
            begun = starts.recv() => begun.unwrap(),
        }
    }
    for _ in 0..10 {
        assert!(hanging().now_or_never().is_none(), "it waits for a permit");
    }
    assert_eq!(begun.load(Ordering::SeqCst), AT_ONCE);
    drop(release);
    pvc.put().await.unwrap();
}
