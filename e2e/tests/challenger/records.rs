//! Every due row is in the sink or counted as dropped: when a pod is deleted during calls, when the sink is unavailable for
//! a while, and when both happen together.

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, api::DeleteParams};
use serde_json::{Value, json};
use understudy_crds::names;
use understudy_e2e::{Endpoint, LoadProfile, MODEL, Metrics, Records, Store, Story, rows, with_temp_ns};

/// Calls of one part of a story.
const CALLS: u64 = 100;

/// The counters of rows, of running pods or of one that has ended.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    due: u64,
    written: u64,
    dropped: u64,
    pending: u64,
}

impl Rows {
    fn of(metrics: &Metrics) -> Self {
        let count = |name| metrics.count(name, &[]);
        Self {
            due: count("understudy_records_total"),
            written: count("understudy_records_written_total"),
            dropped: count("understudy_records_dropped_total"),
            pending: count("understudy_records_pending"),
        }
    }

    /// The counts that a pod logs at its end.
    fn at_end(log: &str) -> Result<Self> {
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let last = lines.rfind(|line| line["message"] == "records");
        let last = last.with_context(|| format!("the pod did not log its counts of records:\n{log}"))?;
        let count =
            |field: &str| last[field].as_u64().with_context(|| format!("{field} is not a count: {last}"));
        Ok(Self {
            due: count("due")?,
            written: count("written")?,
            dropped: count("dropped")?,
            pending: count("pending")?,
        })
    }
}

/// Waits until the pods of main have written this many rows to the sink, and no row is pending.
async fn await_written(story: &Story, rows: u64) -> Result<()> {
    let all = Rows { due: rows, written: rows, dropped: 0, pending: 0 };
    story.await_metrics(&format!("{all:?}"), "1.0.0", |metrics| Rows::of(metrics) == all).await?;
    Ok(())
}

async fn call(endpoint: &Endpoint, part: &str) -> Result<()> {
    let rows = rows()?;
    for (number, row) in (0..CALLS).zip(rows.iter().cycle()) {
        endpoint.call(&format!("{part}-{number}"), row).await?;
    }
    Ok(())
}

/// Fails unless there are exactly this many rows, each of another call.
async fn ensure_rows(records: &Records, rows: u64) -> Result<()> {
    let found = records.query("SELECT count(*) AS rows, count(DISTINCT id) AS ids FROM records").await?;
    assert_eq!(found, [json!({"rows": rows, "ids": rows})]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_is_deleted_during_calls_writes_all_its_rows_to_the_sink() -> Result<()> {
    with_temp_ns("sigterm", async |story| {
        let store = Store::default();
        story.serve_main(&json!({"replicas": 2, "recording": store.recording()})).await?;
        let mut load = story.load(LoadProfile::gentle()).await?;
        load.await_round().await?;
        let pods = story.pods_of("1.0.0").await?;
        let deleted = pods.first().context("main has no pods")?;
        let log = story.follow_log(deleted);
        story.api::<Pod>().delete(&deleted.name_any(), &DeleteParams::default()).await?;
        story.await_gone::<Pod>(&deleted.name_any()).await?;
        load.await_round().await?;
        let calls = load.finish().await?.ensure_answered()?;

        let counts = Rows::at_end(&log.await??)?;
        assert_eq!((counts.dropped, counts.pending), (0, 0), "the sink was available: {counts:?}");
        ensure!(counts.due > 0 && counts.due == counts.written, "{counts:?}");
        await_written(&story, calls - counts.written).await?;
        let records = story.records(&store).await?;
        ensure_rows(&records, calls).await?;
        let of_it = format!("filename LIKE '%-{}-%'", deleted.name_any());
        assert_eq!(records.count(&of_it).await?, counts.written, "the sink has what the pod counted");
        println!("{calls} calls, none failed, every one recorded; {counts:?} of the deleted pod");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rows_of_calls_during_an_outage_of_the_sink_are_written_when_it_is_back() -> Result<()> {
    with_temp_ns("sink-outage", async |story| {
        let store = Box::pin(story.own_store()).await?;
        story.serve_main(&json!({"recording": store.recording()})).await?;
        let endpoint = story.endpoint(MODEL).await?;
        call(&endpoint, "before").await?;
        await_written(&story, CALLS).await?;

        Box::pin(story.make_unavailable(&store)).await?;
        call(&endpoint, "during").await?;
        let waits = |metrics: &Metrics| {
            let counts = Rows::of(metrics);
            metrics.count("understudy_records_upload_failures_total", &[]) > 0
                && (counts.written, counts.pending, counts.dropped) == (CALLS, CALLS, 0)
        };
        story.await_metrics("rows wait for the sink", "1.0.0", waits).await?;
        story.make_available(&store).await?;
        call(&endpoint, "after").await?;
        await_written(&story, 3 * CALLS).await?;

        let records = story.records(&store).await?;
        ensure_rows(&records, 3 * CALLS).await?;
        for part in ["before", "during", "after"] {
            assert_eq!(records.count(&format!("id LIKE '{part}-%'")).await?, CALLS, "{part}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_pod_that_ends_while_the_sink_is_unavailable_logs_how_many_rows_are_lost() -> Result<()> {
    with_temp_ns("lost", async |story| {
        let store = story.unavailable_store().await?;
        story.serve_main(&json!({"recording": store.recording()})).await?;
        call(&story.endpoint(MODEL).await?, "lost").await?;
        let waits = |metrics: &Metrics| Rows::of(metrics).pending == CALLS;
        story.await_metrics("rows wait for the sink", "1.0.0", waits).await?;
        let pods = story.pods_of("1.0.0").await?;
        let deleted = pods.first().context("main has no pod")?;
        let log = story.follow_log(deleted);
        story.api::<Pod>().delete(&deleted.name_any(), &DeleteParams::default()).await?;
        story.await_gone::<Pod>(&deleted.name_any()).await?;
        let counts = Rows::at_end(&log.await??)?;
        assert_eq!(counts, Rows { due: CALLS, written: 0, dropped: CALLS, pending: 0 });
        // Calls do not need the sink.
        story.await_object("its pod is replaced", &names::version_object(MODEL, "1.0.0"), is_ready).await?;
        let mut caller = story.caller().await?;
        caller.await_version("1.0.0").await?;
        caller.finish().await?;
        Ok(())
    })
    .await
}

fn is_ready(deployment: &k8s_openapi::api::apps::v1::Deployment) -> bool {
    deployment.status.as_ref().is_some_and(|status| status.ready_replicas == Some(1))
}
