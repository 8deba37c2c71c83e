//! Every row that was due is in the sink or counted as dropped: when a pod goes in the middle of calls, when the sink is
//! away for a while, and when both come together.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::DeleteParams};
use serde_json::{Value, json};
use understudy_crds::names;
use understudy_e2e::{MODEL, Metrics, Pressure, Records, Road, Store, Story, rows, with_temp_ns};

/// Calls at a time.
const CALLS: u64 = 100;

/// The books of records, of a pod that is gone or of those that are there.
#[derive(Debug, PartialEq, Eq)]
struct Books {
    due: u64,
    written: u64,
    dropped: u64,
    pending: u64,
}

impl Books {
    fn of(metrics: &Metrics) -> Self {
        let count = |name| metrics.count(name, &[]);
        Self {
            due: count("understudy_records_total"),
            written: count("understudy_records_written_total"),
            dropped: count("understudy_records_dropped_total"),
            pending: count("understudy_records_pending"),
        }
    }

    /// What a pod logged at its end.
    fn closed(log: &str) -> Result<Self> {
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let last = lines.rfind(|line| line["message"] == "records");
        let last = last.with_context(|| format!("the pod's last word is not about its records:\n{log}"))?;
        let count =
            |field: &str| last[field].as_u64().with_context(|| format!("{field} is no count: {last}"));
        Ok(Self {
            due: count("due")?,
            written: count("written")?,
            dropped: count("dropped")?,
            pending: count("pending")?,
        })
    }
}

/// Waits until the pods of main have brought this many rows into the sink, and have none on their way.
async fn written(story: &Story, rows: u64) -> Result<()> {
    let all = Books { due: rows, written: rows, dropped: 0, pending: 0 };
    story.await_metrics(&format!("{all:?}"), "1.0.0", |metrics| Books::of(metrics) == all).await?;
    Ok(())
}

async fn call(road: &Road, part: &str) -> Result<()> {
    let rows = rows()?;
    for (number, row) in (0..CALLS).zip(rows.iter().cycle()) {
        road.call(&format!("{part}-{number}"), row).await?;
    }
    Ok(())
}

/// Fails unless there are this many rows, each of another call.
async fn ensure_rows(records: &Records, rows: u64) -> Result<()> {
    let found = records.query("SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM records").await?;
    assert_eq!(found, [json!({"rows": rows, "ids": rows})]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_goes_in_the_middle_of_calls_brings_every_row_into_the_sink() -> Result<()> {
    with_temp_ns("sigterm", async |story| {
        let store = Store::default();
        story.serve_main(&json!({"replicas": 2, "recording": store.recording()})).await?;
        let mut load = story.load(Pressure::gentle()).await?;
        load.await_round().await?;
        let pods = story.pods_of("1.0.0").await?;
        let gone = pods.first().context("main has pods")?;
        let log = story.follow_log(gone);
        story.api::<Pod>().delete(&gone.name_any(), &DeleteParams::default()).await?;
        story.await_gone::<Pod>(&gone.name_any()).await?;
        load.await_round().await?;
        let calls = load.finish().await?.ensure_answered()?;

        let closed = Books::closed(&log.await??)?;
        assert_eq!((closed.dropped, closed.pending), (0, 0), "the sink was there: {closed:?}");
        ensure!(closed.due > 0 && closed.due == closed.written, "{closed:?}");
        written(&story, calls - closed.written).await?;
        let records = story.records(&store).await?;
        ensure_rows(&records, calls).await?;
        let of_it = format!("filename LIKE '%-{}-%'", gone.name_any());
        assert_eq!(records.count(&of_it).await?, closed.written, "what it wrote, it wrote");
        println!("{calls} calls, none failed, every one recorded; {closed:?} of the pod that went");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_recorded_while_the_sink_is_away_is_there_when_it_is_back() -> Result<()> {
    with_temp_ns("away", async |story| {
        let store = Box::pin(story.own_store()).await?;
        story.serve_main(&json!({"recording": store.recording()})).await?;
        let road = story.road(MODEL).await?;
        call(&road, "before").await?;
        written(&story, CALLS).await?;

        story.take_away(&store).await?;
        call(&road, "meanwhile").await?;
        let waits = |metrics: &Metrics| {
            let books = Books::of(metrics);
            metrics.count("understudy_records_upload_failures_total", &[]) > 0
                && (books.written, books.pending, books.dropped) == (CALLS, CALLS, 0)
        };
        story.await_metrics("rows wait for the sink", "1.0.0", waits).await?;
        story.bring_back(&store).await?;
        call(&road, "after").await?;
        written(&story, 3 * CALLS).await?;

        let records = story.records(&store).await?;
        ensure_rows(&records, 3 * CALLS).await?;
        for part in ["before", "meanwhile", "after"] {
            assert_eq!(records.count(&format!("id LIKE '{part}-%'")).await?, CALLS, "{part}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_that_goes_while_the_sink_is_away_says_how_many_rows_are_lost() -> Result<()> {
    with_temp_ns("lost", async |story| {
        let store = story.absent_store().await?;
        story.serve_main(&json!({"recording": store.recording()})).await?;
        call(&story.road(MODEL).await?, "lost").await?;
        let waits = |metrics: &Metrics| Books::of(metrics).pending == CALLS;
        story.await_metrics("rows wait for the sink", "1.0.0", waits).await?;
        let pods = story.pods_of("1.0.0").await?;
        let gone = pods.first().context("main has a pod")?;
        let log = story.follow_log(gone);
        story.api::<Pod>().delete(&gone.name_any(), &DeleteParams::default()).await?;
        story.await_gone::<Pod>(&gone.name_any()).await?;
        let closed = Books::closed(&log.await??)?;
        assert_eq!(closed, Books { due: CALLS, written: 0, dropped: CALLS, pending: 0 });
        // Calls go on meanwhile, sink or not.
        story.await_object("replaced", &names::version_object(MODEL, "1.0.0"), whole).await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        caller.finish().await?;
        Ok(())
    })
    .await
}

fn whole(deployment: &k8s_openapi::api::apps::v1::Deployment) -> bool {
    deployment.status.as_ref().is_some_and(|status| status.ready_replicas == Some(1))
}
