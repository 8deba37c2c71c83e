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
async fn a_file_is_put_into_folders_that_are_made_for_it_and_replaces_its_former_self() {
    let pvc = mounted();
    pvc.put().await.unwrap();
    pvc.put().await.unwrap();
    let folder = pvc.mount.path().join("risk/fraud").join(DAY);
    assert_eq!(std::fs::read(folder.join("a.parquet")).unwrap(), b"rows");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "no half is left beside it");
}

/// For the pod's own files: whoever shares the claim may try to have them written to or removed.
#[tokio::test]
async fn no_link_of_the_claim_is_followed_when_a_file_is_put() {
    for link in ["risk", "risk/fraud", &format!("risk/fraud/{DAY}")] {
        let pvc = mounted();
        pvc.link(link);
        let error = pvc.put().await.unwrap_err();
        assert!(error.contains("symbolic link"), "{link}: {error}");
        pvc.nothing_is_outside();
    }
}

#[tokio::test]
async fn a_link_in_the_place_of_a_file_is_replaced_and_not_written_through() {
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
async fn no_link_of_the_claim_is_followed_when_old_files_are_removed() {
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
async fn a_look_for_old_files_removes_no_more_than_it_may() {
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
async fn a_claim_that_is_not_there_is_named() {
    let folder = folder(Path::new("/nowhere"));
    let put = folder.put(DAY, "a.parquet", PutPayload::new()).await.unwrap_err().to_string();
    assert!(put.contains("a.parquet") && put.contains("pvc://shared/risk/fraud"), "{put}");
    assert!(folder.expire(1, 1).await.is_err());
}

/// For the analyst whose query runs at that moment.
#[tokio::test]
async fn whoever_looks_while_a_file_is_put_sees_all_of_it_or_nothing() {
    const SIZE: usize = 32 << 20;
    let pvc = mounted();
    let looked = pvc.mount.path().join("risk/fraud").join(DAY);
    let (put, over) = (PutPayload::from(vec![7; SIZE]), Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&over);
    let analyst = tokio::task::spawn_blocking(move || {
        while !seen.load(Ordering::Acquire) {
            for entry in std::fs::read_dir(&looked).into_iter().flatten() {
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

/// For the pod's memory: a volume that hangs must not take a thread and a file more at every try.
#[tokio::test]
async fn a_claim_that_hangs_holds_no_more_than_two_threads_however_often_it_is_tried() {
    let pvc = mounted();
    let (release, hang) = std::sync::mpsc::channel::<()>();
    let (hang, begun) = (Arc::new(std::sync::Mutex::new(hang)), Arc::new(AtomicUsize::new(0)));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let hanging = || {
        let (hang, begun, tell) = (Arc::clone(&hang), Arc::clone(&begun), tell.clone());
        pvc.folder.blocking(move |_, _| {
            begun.fetch_add(1, Ordering::SeqCst);
            tell.send(()).unwrap();
            let ended = hang.lock().unwrap().recv();
            assert!(ended.is_err(), "they hang until the test lets go");
            Ok(())
        })
    };
    for _ in 0..AT_ONCE {
        tokio::select! {
            done = hanging() => panic!("it does not hang: {done:?}"),
            begun = told.recv() => begun.unwrap(),
        }
    }
    for _ in 0..10 {
        assert!(hanging().now_or_never().is_none(), "it waits");
    }
    assert_eq!(begun.load(Ordering::SeqCst), AT_ONCE);
    drop(release);
    pvc.put().await.unwrap();
}
