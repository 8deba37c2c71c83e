//! The sink is down, slow, rejects uploads or fails during one: each row is in the sink once, or counted as lost.

use tokio::time::Instant;
use understudy_server::records::Loss;

use crate::{
    folder,
    setup::{Setup, all, counts_of, lost_otherwise, numbers, until},
    store::{Gate, SECRET_KEY, Store},
};

#[tokio::test]
async fn an_available_sink_gets_every_row() {
    let store = Store::start(Gate::Open).await;
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    process.record(0..2500);
    process.rotate();
    process.record(2500..3000);
    let balance = process.finish().await;
    assert_eq!(counts_of(&balance), [3000, 3000, 0, 0]);
    assert_eq!(numbers(&folder::rows(&store.folder())), all(0..3000));
    assert_eq!(folder::files(&store.folder().join("date=2026-11-21")).len(), 2);
    assert_eq!(setup.spool(), [""; 0]);
}

#[tokio::test]
async fn a_sink_that_recovers_gets_every_row() {
    let mut store = Store::start(Gate::Closed).await;
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    for file in 0..5 {
        process.record(file * 1000..(file + 1) * 1000);
        process.rotate();
    }
    store.ended(2).await;
    let balance = process.counts.balance();
    assert_eq!(counts_of(&balance), [5000, 0, 0, 5000]);
    assert!(process.counts.upload_failures() >= 1);
    store.set(Gate::Open);
    assert_eq!(counts_of(&process.finish().await), [5000, 5000, 0, 0]);
    assert_eq!(numbers(&folder::rows(&store.folder())), all(0..5000));
}

#[tokio::test]
async fn an_interrupted_upload_leaves_no_file() {
    // Enough for the headers of the request and the beginning of the file.
    let mut store = Store::start(Gate::Cut(4096)).await;
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    process.record(0..3000);
    process.rotate();
    store.ended(3).await;
    assert_eq!(folder::files(&store.folder()), [""; 0].map(std::path::PathBuf::from));
    store.set(Gate::Open);
    assert_eq!(counts_of(&process.finish().await), [3000, 3000, 0, 0]);
    assert_eq!(numbers(&folder::rows(&store.folder())), all(0..3000));
}

#[tokio::test]
async fn an_upload_whose_response_is_lost_is_repeated_and_each_row_is_in_the_sink_once() {
    let mut store = Store::start(Gate::NoResponse).await;
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    process.record(0..100);
    process.rotate();
    store.ended(2).await;
    assert_eq!(folder::files(&store.folder()).len(), 1, "the file is in the sink");
    assert_eq!(process.counts.balance().written, 0, "but no response has said so");
    store.set(Gate::Open);
    assert_eq!(counts_of(&process.finish().await), [100, 100, 0, 0]);
    assert_eq!(numbers(&folder::rows(&store.folder())), all(0..100));
}

/// For a team that rotates or corrects its keys: no pod needs a restart.
#[tokio::test]
async fn the_next_attempt_uses_corrected_keys() {
    let store = Store::start(Gate::Open).await;
    store.secret("AWS_SECRET_ACCESS_KEY", "wrong");
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    process.record(0..100);
    process.rotate();
    let counts = std::sync::Arc::clone(&process.counts);
    until("the store has rejected the keys", || counts.upload_failures() > 0).await;
    assert_eq!(counts_of(&counts.balance()), [100, 0, 0, 100]);
    store.secret("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    assert_eq!(counts_of(&process.finish().await), [100, 100, 0, 0]);
}

#[tokio::test]
async fn a_full_spool_drops_the_newest_rows_and_counts_them() {
    let mut store = Store::start(Gate::Closed).await;
    let mut setup = Setup::new();
    setup.spool_bytes = 1 << 20;
    let mut process = setup.start(store.sink());
    process.record(0..200_000);
    store.ended(1).await;
    let size = |file: String| setup.path("spool").join(file).metadata().unwrap().len();
    let held: u64 = setup.spool().into_iter().map(size).sum();
    assert!(held <= setup.spool_bytes, "{held} bytes in a spool of {}", setup.spool_bytes);
    let dropped = process.counts.balance().lost(Loss::SpoolFull);
    assert!(dropped > 100_000, "{dropped} rows of 200,000 were dropped");
    assert_eq!(lost_otherwise(&process.counts.balance(), Loss::SpoolFull), 0);

    store.set(Gate::Open);
    let balance = process.finish().await;
    assert_eq!(balance.due, 200_000);
    assert_eq!(balance.written + balance.lost(Loss::SpoolFull), 200_000);
    let numbers = numbers(&folder::rows(&store.folder()));
    assert_eq!(numbers.len() as u64, balance.written);
    assert_eq!(numbers[..1000], all(0..1000), "the first rows in the spool are in the sink");
}

#[tokio::test]
async fn a_spool_that_was_full_accepts_rows_again_once_the_sink_recovers() {
    let mut store = Store::start(Gate::Closed).await;
    let mut setup = Setup::new();
    setup.spool_bytes = 1 << 20;
    let mut process = setup.start(store.sink());
    process.record(0..100_000);
    process.rotate();
    store.ended(1).await;
    assert!(process.counts.balance().lost(Loss::SpoolFull) > 0);
    store.set(Gate::Open);
    until("the spool is empty", || setup.count("parquet") == 0).await;
    process.record(100_000..100_100);
    let balance = process.finish().await;
    let numbers = numbers(&folder::rows(&store.folder()));
    assert_eq!(numbers[numbers.len() - 100..], all(100_000..100_100));
    assert_eq!(numbers.len() as u64, balance.written);
    assert_eq!(counts_of(&balance)[0], balance.written + balance.dropped());
}

#[tokio::test]
async fn rows_that_the_sink_does_not_accept_before_the_deadline_are_counted_as_lost() {
    let mut store = Store::start(Gate::Closed).await;
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    process.record(0..1000);
    process.rotate();
    process.record(1000..1500);
    store.ended(1).await;
    let balance = process.finish_now().await;
    assert_eq!(counts_of(&balance), [1500, 0, 1500, 0]);
    assert_eq!(balance.lost(Loss::Stopping), 1500);
    assert_eq!(setup.spool(), [""; 0], "the volume is deleted with the pod");
}

#[tokio::test]
async fn a_sink_that_recovers_before_the_deadline_gets_every_row() {
    let mut store = Store::start(Gate::Closed).await;
    let setup = Setup::new();
    let mut process = setup.start(store.sink());
    process.record(0..100);
    process.rotate();
    store.ended(1).await;
    let finished = process.recorder.finish(Instant::now() + std::time::Duration::from_mins(5));
    let opened = async {
        store.ended(3).await;
        store.set(Gate::Open);
    };
    let (balance, ()) = tokio::join!(finished, opened);
    assert_eq!(counts_of(&balance), [100, 100, 0, 0]);
}
