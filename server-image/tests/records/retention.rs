//! Records stay in the sink for their retention.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use understudy_server::records::RecordingSettings;

use crate::{
    setup::{Setup, until},
    store::{Gate, Store},
};

const DAY: Duration = Duration::from_hours(24);

fn folder(days_ago: i64) -> String {
    let day = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days_ago);
    format!("date={}", day.strftime("%Y-%m-%d"))
}

fn put(sink: &Path, path: &str) -> PathBuf {
    let path = sink.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "rows").unwrap();
    path
}

/// Two old files, and the files that must stay.
fn fill(sink: &Path) -> ([PathBuf; 2], Vec<PathBuf>) {
    let old =
        [put(sink, &format!("{}/a.parquet", folder(32))), put(sink, &format!("{}/b.parquet", folder(400)))];
    let stay = vec![
        // Some of its rows may be younger than 30 days.
        put(sink, &format!("{}/c.parquet", folder(30))),
        put(sink, &format!("{}/d.parquet", folder(0))),
        put(sink, &format!("{}/notes.txt", folder(32))),
        put(sink, "date=unknown/e.parquet"),
        put(sink, "f.parquet"),
        put(sink.parent().unwrap(), &format!("other/{}/g.parquet", folder(400))),
    ];
    (old, stay)
}

#[tokio::test]
async fn only_old_files_on_a_pvc_are_removed() {
    let setup = Setup::new();
    let sink = setup.path("pvc/records/risk/fraud");
    let (old, stay) = fill(&sink);
    let partial = put(&sink, &format!("{}/.x.parquet.part", folder(400)));
    let mut process = setup.start(setup.pvc());
    process.recorder.set(Some(&RecordingSettings { retention: Some(30 * DAY), ..setup.settings.clone() }));
    let emptied = sink.join(folder(400));
    let left = || old.iter().any(|file| file.exists()) || emptied.exists();
    until("the old files are removed", || !left()).await;
    process.finish().await;
    assert!(!partial.exists());
    assert!(stay.iter().all(|file| file.exists()), "{stay:?}");
}

#[tokio::test]
async fn only_old_objects_in_a_bucket_are_removed() {
    let store = Store::start(Gate::Open).await;
    let setup = Setup::new();
    let (old, stay) = fill(&store.folder());
    let mut process = setup.start(store.sink());
    process.recorder.set(Some(&RecordingSettings { retention: Some(30 * DAY), ..setup.settings.clone() }));
    until("the old objects are removed", || !old.iter().any(|file| file.exists())).await;
    process.finish().await;
    assert!(stay.iter().all(|file| file.exists()), "{stay:?}");
}

#[tokio::test]
async fn without_a_retention_all_files_stay() {
    let setup = Setup::new();
    let (old, stay) = fill(&setup.path("pvc/records/risk/fraud"));
    let mut process = setup.start(setup.pvc());
    process.record(0..1);
    process.finish().await;
    assert!(old.iter().chain(&stay).all(|file| file.exists()));
}
