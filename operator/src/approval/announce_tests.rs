//! What is announced if a write is not answered, a publication fails, or the leader changes.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use understudy_crds::ModelVersion;

use crate::{
    approval::scenario_tests::{cluster, pass},
    fixtures::{NOW, at, decided, deployment, request, staged, version, with},
    mock_api::{Cluster, Exchange, Scenario, event, get, patch, write_status},
};

const VERSION: &str = "/modelversions/fraud-1.3.0";
const STATUS: &str = "/modelversions/fraud-1.3.0/status";
const REFUSAL: &str = "four eyes: an approval by its own requester cannot be recorded";

/// The log lines of this thread, as the operator writes them.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Collects lines until the guard is dropped.
    fn collect() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let subscriber =
            tracing_subscriber::fmt().json().flatten_event(true).with_writer(log.clone()).finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Transition and mark of each decision line.
    fn decisions(&self) -> Vec<(String, bool)> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(text).expect("lines are UTF-8");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
        lines
            .filter(|line| line["message"] == "decision")
            .inspect(|line| assert_eq!(line["uid"], "uid-of-fraud-1.3.0", "{line}"))
            .map(|line| {
                (line["transition"].as_str().unwrap_or_default().to_owned(), line["replayed"] == true)
            })
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// alice requests Staging, and bob has written that he approves.
fn approved_by_bob() -> ModelVersion {
    let annotations = json!({
        "understudy.dev/requested-by": "alice", "understudy.dev/approve": "6f1c2b",
        "understudy.dev/approved-by": "bob",
    });
    let status = json!({"transition": request("1.3.0", "None", "Staging")});
    version(
        "1.3.0",
        json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Staging"}, "status": status}),
    )
}

/// The pass that records the approval, up to the response to its write.
fn recording(version: &ModelVersion, response: impl FnOnce(Exchange) -> Exchange) -> Scenario {
    let policy = patch(STATUS).in_a_dry_run().fails(422, "Invalid", REFUSAL);
    let reads = [get(VERSION).finds(version), get("/modeldeployments/fraud").finds(&deployment(json!({})))];
    Scenario::new().concurrently(reads.into_iter().chain([policy])).then(response(write_status(STATUS)))
}

/// The version with the approval in its history, as the watch delivers it after the write.
fn recorded() -> ModelVersion {
    let history = [decided(&request("1.3.0", "None", "Staging"), "Approved", "bob")];
    let mut version = approved_by_bob();
    let status = json!({"status": {"stage": "Staging", "history": history}});
    version.status = crate::fixtures::version("1.3.0", status).status;
    version
}

/// The first pass over a version that is up to date writes its conditions.
fn conditions() -> Exchange {
    write_status(STATUS)
}

fn counted(cluster: &Cluster) -> bool {
    let line = r#"understudy_transitions_total{decision="Approved",from="None",to="Staging"} 1"#;
    cluster.ctx.metrics.render().contains(line)
}

#[tokio::test]
async fn a_decision_whose_write_was_applied_but_not_answered_is_announced_by_the_next_pass() {
    let (log, _guard) = Log::collect();
    let mut cluster = cluster(&[&approved_by_bob()]);
    let lost = recording(&approved_by_bob(), |write| write.fails(504, "Timeout", "request did not complete"));
    pass(&mut cluster, lost).await.expect_err("no answer");
    assert_eq!(log.decisions(), []);

    cluster.sees(&recorded());
    pass(&mut cluster, Scenario::new().then(event("Approved")).then(conditions())).await.expect("it rests");
    assert_eq!(log.decisions(), [("6f1c2b".to_owned(), false)]);
    assert!(counted(&cluster));
}

#[tokio::test]
async fn a_decision_is_announced_once_by_a_process() {
    let (log, _guard) = Log::collect();
    let mut cluster = cluster(&[&approved_by_bob()]);
    let answered = recording(&approved_by_bob(), |write| write).then(event("Approved"));
    pass(&mut cluster, answered).await.expect("it is recorded");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new()).await.expect("it rests");
    assert_eq!(log.decisions(), [("6f1c2b".to_owned(), false)]);
    assert!(counted(&cluster));
}

#[tokio::test]
async fn a_decision_that_a_leader_recorded_before_it_crashed_is_replayed_by_the_next_leader() {
    let (log, _guard) = Log::collect();
    let mut cluster = cluster(&[&recorded()]);
    cluster.leads_after_a_leader_that_renewed_last_at(at(NOW));
    pass(&mut cluster, Scenario::new().then(event("Approved")).then(conditions())).await.expect("it rests");
    assert_eq!(log.decisions(), [("6f1c2b".to_owned(), true)]);
    assert!(!counted(&cluster), "the leader before may have counted it");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new()).await.expect("it rests");
    assert_eq!(log.decisions().len(), 1);
}

#[tokio::test]
async fn decisions_of_long_ago_are_not_replayed() {
    let (log, _guard) = Log::collect();
    let mut cluster = cluster(&[&recorded()]);
    cluster.leads_after_a_leader_that_renewed_last_at(at("2026-11-21T13:00:00Z"));
    pass(&mut cluster, Scenario::new().then(conditions())).await.expect("it rests");
    assert_eq!(log.decisions(), []);
}

#[tokio::test]
async fn an_event_that_could_not_be_published_is_published_by_the_next_pass() {
    let (log, _guard) = Log::collect();
    let mut cluster = cluster(&[&approved_by_bob()]);
    let busy = event("Approved").fails(503, "ServiceUnavailable", "etcdserver: leader changed");
    let scenario = recording(&approved_by_bob(), |write| write).then(busy);
    pass(&mut cluster, scenario).await.expect("it is recorded");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new().then(event("Approved"))).await.expect("it rests");
    pass(&mut cluster, Scenario::new()).await.expect("it rests");
    assert_eq!(log.decisions().len(), 1);
}

#[tokio::test]
async fn an_event_that_the_api_server_refuses_is_not_tried_again() {
    let mut cluster = cluster(&[&approved_by_bob()]);
    let refused = event("Approved").fails(403, "Forbidden", "events is forbidden");
    let scenario = recording(&approved_by_bob(), |write| write).then(refused);
    pass(&mut cluster, scenario).await.expect("it is recorded");
    cluster.sees_what_was_written();
    pass(&mut cluster, Scenario::new()).await.expect("it rests");
}

#[tokio::test]
async fn a_request_whose_write_was_applied_but_not_answered_is_announced_by_the_next_pass() {
    let annotations = json!({"understudy.dev/requested-by": "alice"});
    let parts = json!({"metadata": {"annotations": annotations}, "spec": {"stage": "Staging"}});
    let requested = version("1.3.0", parts.clone());
    let mut cluster = cluster(&[&requested]);
    let lost = recording(&requested, |write| write.fails(504, "Timeout", "request did not complete"));
    pass(&mut cluster, lost).await.expect_err("no answer");

    let status = json!({"status": {"transition": request("1.3.0", "None", "Staging")}});
    cluster.sees(&version("1.3.0", with(parts, status)));
    pass(&mut cluster, Scenario::new().then(event("Requested")).then(conditions())).await.expect("it waits");
}

#[tokio::test]
async fn a_stage_that_was_reached_by_a_write_without_an_answer_is_announced_by_the_next_pass() {
    let rolling = version(
        "1.3.0",
        json!({"spec": {"stage": "Production"}, "status": crate::fixtures::rolling_out("1.3.0")}),
    );
    let mut cluster = cluster(&[&rolling]);
    pass(&mut cluster, Scenario::new().then(conditions())).await.expect("it waits");
    let mut status = crate::fixtures::rolling_out("1.3.0");
    status["stage"] = json!("Production");
    status["transition"] = Value::Null;
    cluster.sees(&deployment(json!({"status": crate::fixtures::main_is("1.3.0")})));
    cluster.sees(&version("1.3.0", json!({"spec": {"stage": "Production"}, "status": status})));
    cluster.sees(&deployment(json!({"status": crate::fixtures::main_is("1.3.0")})));
    let scenario = Scenario::new().then(event("StageReached")).then(conditions());
    pass(&mut cluster, scenario).await.expect("it rests");
}

#[tokio::test]
async fn a_verdict_whose_write_was_applied_but_not_answered_is_announced_by_the_next_pass() {
    let mut cluster =
        cluster(&[&version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": staged("1.3.0")}))]);
    pass(&mut cluster, Scenario::new().then(conditions())).await.expect("it rests");
    let verdict = json!({"acceptance": {"verdict": "Passed", "by": "tess", "at": NOW}});
    let status = with(staged("1.3.0"), verdict);
    cluster.sees(&version("1.3.0", json!({"spec": {"stage": "Staging"}, "status": status})));
    let scenario = Scenario::new().then(event("AcceptanceTest")).then(conditions());
    pass(&mut cluster, scenario).await.expect("it rests");
}
