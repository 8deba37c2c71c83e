//! A process continues with the spool of the former process on the same volume.

use understudy_server::records::Loss;

use crate::setup::{Setup, all, counts_of, numbers};

#[tokio::test]
async fn the_next_process_uploads_complete_files() {
    let setup = Setup::new();
    let mut process = setup.start(setup.unmounted_pvc());
    process.record(0..1000);
    process.rotate();
    process.record(1000..1500);
    process.rotate();
    process.kill();
    assert_eq!(setup.spooled(), 1500);

    let process = setup.start(setup.pvc());
    assert_eq!(counts_of(&process.counts.balance()), [1500, 0, 0, 1500], "the rows are due again");
    assert_eq!(counts_of(&process.finish().await), [1500, 1500, 0, 0]);
    assert_eq!(numbers(&setup.rows()), all(0..1500));
}

#[tokio::test]
async fn the_rows_of_a_file_that_was_open_at_a_crash_are_counted_as_lost() {
    let setup = Setup::new();
    let mut process = setup.start(setup.unmounted_pvc());
    process.record(0..1000);
    process.rotate();
    process.record(1000..4321);
    process.recorder.tick(tokio::time::Instant::now());
    process.kill();

    let process = setup.start(setup.pvc());
    let balance = process.finish().await;
    assert_eq!(counts_of(&balance), [4321, 1000, 3321, 0]);
    assert_eq!(balance.lost(Loss::Crash), 3321);
    assert_eq!(setup.spool(), [""; 0]);
    assert_eq!(numbers(&setup.rows()), all(0..1000));
}

#[tokio::test]
async fn after_a_crash_at_most_one_batch_of_rows_is_not_counted() {
    let setup = Setup::new();
    let mut process = setup.start(setup.unmounted_pvc());
    process.record(0..5000);
    process.kill();
    let lost = setup.start(setup.pvc()).finish().await.lost(Loss::Crash);
    assert!((5000 - 1024..=5000).contains(&lost), "{lost} of 5000 rows are counted as lost");
}

#[tokio::test]
async fn a_damaged_file_is_counted_as_lost_and_not_uploaded() {
    let setup = Setup::new();
    let mut process = setup.start(setup.unmounted_pvc());
    for file in 0..4 {
        process.record(file * 100..(file + 1) * 100);
        process.rotate();
    }
    process.kill();
    let spool = setup.spool();
    let path = |file: usize| setup.path("spool").join(&spool[file]);
    // What a loss of power leaves: a truncated file, a file with holes, an empty file.
    let complete = std::fs::read(path(0)).unwrap();
    std::fs::write(path(0), &complete[..complete.len() - 1]).unwrap();
    let mut holes = std::fs::read(path(1)).unwrap();
    holes[100..200].fill(0);
    std::fs::write(path(1), holes).unwrap();
    std::fs::write(path(2), "").unwrap();

    let balance = setup.start(setup.pvc()).finish().await;
    assert_eq!(counts_of(&balance), [400, 100, 300, 0]);
    assert_eq!(balance.lost(Loss::Crash), 300);
    assert_eq!(numbers(&setup.rows()), all(300..400));
    assert_eq!(setup.spool(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_disappears_from_the_spool_is_counted_as_lost() {
    let setup = Setup::new();
    let mut process = setup.start(setup.unmounted_pvc());
    process.record(0..100);
    process.rotate();
    for file in setup.spool() {
        std::fs::remove_file(setup.path("spool").join(file)).unwrap();
    }
    let balance = process.finish().await;
    assert_eq!(counts_of(&balance), [100, 0, 100, 0]);
    assert_eq!(balance.lost(Loss::Disk), 100);
}

#[tokio::test]
async fn a_file_that_is_not_a_record_stays_in_the_spool() {
    let setup = Setup::new();
    std::fs::create_dir(setup.path("spool")).unwrap();
    std::fs::write(setup.path("spool/notes.txt"), "mine").unwrap();
    let mut process = setup.start(setup.pvc());
    process.record(0..10);
    assert_eq!(counts_of(&process.finish().await), [10, 10, 0, 0]);
    assert_eq!(setup.spool(), ["notes.txt"]);
}
