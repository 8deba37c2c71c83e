//! The spool's disk is full, in earnest: each test runs again in a mount namespace of its own, on a disk of 1 MiB.

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
    setup::{Setup, all, books, numbers, until},
};

const DISK: &str = "RECORDS_TEST_DISK";

/// The disk; `None` where the test has run on it, in another process.
fn small_disk(test: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let directory = TempDir::new().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    // Root may mount; anybody else may where they are root of a namespace.
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    let script = r#"mount -t tmpfs -o size=1m records "$1" && exec "$2" --exact "$3" --nocapture"#;
    unshare.args(["sh", "-c", script, "sh"]).arg(directory.path());
    unshare.arg(std::env::current_exe().unwrap()).arg(test).env(DISK, directory.path());
    let output = unshare.output().expect("unshare is part of util-linux");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "on a disk of its own:\n{said}");
    None
}

/// Takes all but `free` bytes of the disk.
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
async fn a_full_disk_costs_the_rows_of_one_file_and_recording_goes_on_when_it_has_room() {
    let Some(disk) =
        small_disk("disk::a_full_disk_costs_the_rows_of_one_file_and_recording_goes_on_when_it_has_room")
    else {
        return;
    };
    let mut setup = Setup::new();
    setup.spool_bytes = 64 << 20;
    let ballast = fill(&disk, 128 << 10);
    let mut process = setup.start_in(&disk.join("spool"), Some(setup.nowhere()));
    process.record(0..400_000);
    let balance = process.counts.balance();
    assert!(balance.lost(Loss::Disk) > 0, "{balance:?}");
    assert_eq!(balance.lost(Loss::Disk), balance.dropped());
    process.rotate();
    let before = process.counts.balance();
    assert_eq!(files(&disk), [""; 0].map(PathBuf::from), "nothing is left of what was half written");
    assert_eq!(books(&before), [400_000, 0, 400_000, 0]);

    std::fs::remove_file(ballast).unwrap();
    process.record(400_000..400_010);
    assert_eq!(
        process.counts.balance().lost(Loss::Disk),
        400_010,
        "a disk that failed is left alone for a while"
    );
    tokio::time::advance(Duration::from_mins(1)).await;
    process.record(400_010..401_000);
    process.rotate();
    process.kill();

    let balance = setup.start_in(&disk.join("spool"), Some(setup.claim())).finish().await;
    assert_eq!(books(&balance), [990, 990, 0, 0]);
    assert_eq!(numbers(&setup.rows()), all(400_010..401_000));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_has_no_room_for_the_end_of_a_file_leaves_none_of_it() {
    let Some(disk) = small_disk("disk::a_disk_that_has_no_room_for_the_end_of_a_file_leaves_none_of_it")
    else {
        return;
    };
    let setup = Setup::new();
    fill(&disk, 16 << 10);
    let mut process = setup.start_in(&disk.join("spool"), Some(setup.claim()));
    // They wait in memory for the end of their row group.
    process.record(0..5000);
    assert_eq!(process.counts.balance().pending(), 5000);
    let balance = process.finish().await;
    assert_eq!(books(&balance), [5000, 0, 5000, 0]);
    assert_eq!(balance.lost(Loss::Disk), 5000);
    assert_eq!(files(&disk), [""; 0].map(PathBuf::from));
    assert_eq!(setup.rows().len(), 0);
}

#[tokio::test]
async fn a_full_claim_shows_no_half_and_has_every_row_once_there_is_room() {
    let Some(disk) = small_disk("disk::a_full_claim_shows_no_half_and_has_every_row_once_there_is_room")
    else {
        return;
    };
    let setup = Setup::new();
    let ballast = fill(&disk, 32 << 10);
    let claim = Sink::new("pvc://claim/records", None, Some(&disk)).unwrap();
    let mut process = setup.start(claim);
    process.record(0..5000);
    process.rotate();
    let counts = std::sync::Arc::clone(&process.counts);
    until("the claim has refused the file", || counts.upload_failures() > 0).await;
    assert_eq!(folder::files(&disk.join("records")), [""; 0].map(PathBuf::from));
    assert_eq!(books(&counts.balance()), [5000, 0, 0, 5000]);
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(books(&process.finish().await), [5000, 5000, 0, 0]);
    assert_eq!(numbers(&folder::rows(&disk.join("records"))), all(0..5000));
}
