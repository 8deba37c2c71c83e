//! The spool's disk is really full: each test runs itself again in a new mount namespace, on a disk of 1 MiB.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;
use understudy_server::records::{Loss, Sink};

use crate::{
    folder,
    setup::{Setup, all, counts_of, numbers, until},
};

const DISK: &str = "RECORDS_TEST_DISK";

/// The path of the disk. `None` after the test has run on it in another process.
fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let directory = TempDir::new().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    // Root may mount. Other users may mount in a namespace where they are root.
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    let script = r#"mount -t tmpfs -o size=1m records "$1" && exec "$2" --exact "$3" --nocapture"#;
    unshare.args(["sh", "-c", script, "sh"]).arg(directory.path());
    unshare.arg(std::env::current_exe().unwrap()).arg(test).env(DISK, directory.path());
    let output = unshare.output().expect("unshare is part of util-linux");
    let printed =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && printed.contains("1 passed"), "on its own disk:\n{printed}");
    None
}

/// Fills the disk except for `free` bytes.
fn fill(disk: &Path, free: usize) -> PathBuf {
    let path = disk.join("ballast");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&vec![0; (1 << 20) - free]).unwrap();
    path
}

fn files(disk: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(disk.join("spool")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_loses_the_rows_of_one_file_and_recording_continues_once_it_has_space() {
    let Some(disk) =
        small_disk("disk::a_full_disk_loses_the_rows_of_one_file_and_recording_continues_once_it_has_space")
    else {
        return;
    };
    let mut setup = Setup::new();
    setup.spool_bytes = 64 << 20;
    let ballast = fill(&disk, 128 << 10);
    let mut process = setup.start_in(&disk.join("spool"), Some(setup.unmounted_pvc()));
    process.record(0..400_000);
    let balance = process.counts.balance();
    assert!(balance.lost(Loss::Disk) > 0, "{balance:?}");
    assert_eq!(balance.lost(Loss::Disk), balance.dropped());
    process.rotate();
    let before = process.counts.balance();
    assert_eq!(files(&disk), [""; 0].map(PathBuf::from), "no part of a file is left");
    assert_eq!(counts_of(&before), [400_000, 0, 400_000, 0]);

    std::fs::remove_file(ballast).unwrap();
    process.record(400_000..400_010);
    assert_eq!(
        process.counts.balance().lost(Loss::Disk),
        400_010,
        "recording pauses after a failure of the disk"
    );
    tokio::time::advance(Duration::from_mins(1)).await;
    process.record(400_010..401_000);
    process.rotate();
    process.kill();

    let balance = setup.start_in(&disk.join("spool"), Some(setup.pvc())).finish().await;
    assert_eq!(counts_of(&balance), [990, 990, 0, 0]);
    assert_eq!(numbers(&setup.rows()), all(400_010..401_000));
}

#[tokio::test(start_paused = true)]
async fn a_disk_without_space_for_the_end_of_a_file_keeps_no_part_of_it() {
    let Some(disk) = small_disk("disk::a_disk_without_space_for_the_end_of_a_file_keeps_no_part_of_it")
    else {
        return;
    };
    let setup = Setup::new();
    fill(&disk, 16 << 10);
    let mut process = setup.start_in(&disk.join("spool"), Some(setup.pvc()));
    // The rows stay in memory until their row group ends.
    process.record(0..5000);
    assert_eq!(process.counts.balance().pending(), 5000);
    let balance = process.finish().await;
    assert_eq!(counts_of(&balance), [5000, 0, 5000, 0]);
    assert_eq!(balance.lost(Loss::Disk), 5000);
    assert_eq!(files(&disk), [""; 0].map(PathBuf::from));
    assert_eq!(setup.rows().len(), 0);
}

#[tokio::test]
async fn a_full_pvc_shows_no_part_of_a_file_and_gets_every_row_once_it_has_space() {
    let Some(disk) =
        small_disk("disk::a_full_pvc_shows_no_part_of_a_file_and_gets_every_row_once_it_has_space")
    else {
        return;
    };
    let setup = Setup::new();
    let ballast = fill(&disk, 32 << 10);
    let sink = Sink::new("pvc://shared/records", None, Some(&disk)).unwrap();
    let mut process = setup.start(sink);
    process.record(0..5000);
    process.rotate();
    let counts = std::sync::Arc::clone(&process.counts);
    until("the PVC has rejected the file", || counts.upload_failures() > 0).await;
    assert_eq!(folder::files(&disk.join("records")), [""; 0].map(PathBuf::from));
    assert_eq!(counts_of(&counts.balance()), [5000, 0, 0, 5000]);
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(counts_of(&process.finish().await), [5000, 5000, 0, 0]);
    assert_eq!(numbers(&folder::rows(&disk.join("records"))), all(0..5000));
}
