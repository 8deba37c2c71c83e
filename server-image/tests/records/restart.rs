//! The next process on the same volume goes on where the last one ended.

use understudy_server::records::Loss;

use crate::setup::{Setup, all, books, numbers};

#[tokio::test]
async fn whole_files_are_uploaded_by_the_next_process() {
    let setup = Setup::new();
    let mut process = setup.start(setup.nowhere());
    process.record(0..1000);
    process.rotate();
    process.record(1000..1500);
    process.rotate();
    process.kill();
    assert_eq!(setup.spooled(), 1500);

    let process = setup.start(setup.claim());
    assert_eq!(books(&process.counts.balance()), [1500, 0, 0, 1500], "they are due again");
    assert_eq!(books(&process.finish().await), [1500, 1500, 0, 0]);
    assert_eq!(numbers(&setup.rows()), all(0..1500));
}

#[tokio::test]
async fn the_rows_of_a_file_that_a_crash_left_open_are_counted() {
    let setup = Setup::new();
    let mut process = setup.start(setup.nowhere());
    process.record(0..1000);
    process.rotate();
    process.record(1000..4321);
    process.recorder.tick(tokio::time::Instant::now());
    process.kill();

    let process = setup.start(setup.claim());
    let balance = process.finish().await;
    assert_eq!(books(&balance), [4321, 1000, 3321, 0]);
    assert_eq!(balance.lost(Loss::Crash), 3321);
    assert_eq!(setup.spool(), [""; 0]);
    assert_eq!(numbers(&setup.rows()), all(0..1000));
}

#[tokio::test]
async fn a_crash_costs_the_count_of_one_batch_at_most() {
    let setup = Setup::new();
    let mut process = setup.start(setup.nowhere());
    process.record(0..5000);
    process.kill();
    let lost = setup.start(setup.claim()).finish().await.lost(Loss::Crash);
    assert!((5000 - 1024..=5000).contains(&lost), "{lost} rows of 5000 are known to be lost");
}

#[tokio::test]
async fn a_damaged_file_is_counted_and_never_uploaded() {
    let setup = Setup::new();
    let mut process = setup.start(setup.nowhere());
    for file in 0..4 {
        process.record(file * 100..(file + 1) * 100);
        process.rotate();
    }
    process.kill();
    let spool = setup.spool();
    let path = |file: usize| setup.path("spool").join(&spool[file]);
    // As a machine leaves it that lost its power: cut off, full of holes, empty.
    let whole = std::fs::read(path(0)).unwrap();
    std::fs::write(path(0), &whole[..whole.len() - 1]).unwrap();
    let mut holes = std::fs::read(path(1)).unwrap();
    holes[100..200].fill(0);
    std::fs::write(path(1), holes).unwrap();
    std::fs::write(path(2), "").unwrap();

    let balance = setup.start(setup.claim()).finish().await;
    assert_eq!(books(&balance), [400, 100, 300, 0]);
    assert_eq!(balance.lost(Loss::Crash), 300);
    assert_eq!(numbers(&setup.rows()), all(300..400));
    assert_eq!(setup.spool(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_is_gone_from_the_spool_is_counted() {
    let setup = Setup::new();
    let mut process = setup.start(setup.nowhere());
    process.record(0..100);
    process.rotate();
    for file in setup.spool() {
        std::fs::remove_file(setup.path("spool").join(file)).unwrap();
    }
    let balance = process.finish().await;
    assert_eq!(books(&balance), [100, 0, 100, 0]);
    assert_eq!(balance.lost(Loss::Disk), 100);
}

#[tokio::test]
async fn a_file_of_somebody_else_stays_in_the_spool() {
    let setup = Setup::new();
    std::fs::create_dir(setup.path("spool")).unwrap();
    std::fs::write(setup.path("spool/notes.txt"), "mine").unwrap();
    let mut process = setup.start(setup.claim());
    process.record(0..10);
    assert_eq!(books(&process.finish().await), [10, 10, 0, 0]);
    assert_eq!(setup.spool(), ["notes.txt"]);
}
