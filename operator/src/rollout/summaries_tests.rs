//! When pods are asked, and whose words count.

use axum::{Json, Router, routing::get};
use serde_json::json;
use understudy_stats::{Comparison, OutputKind};

use super::*;

fn identity(version: &str) -> Identity {
    Identity { version: version.to_owned(), digest: format!("sha256:{version}") }
}

/// What a pod of 1.2.0 tells that has compared `pairs` calls with a challenger.
fn told(challenger: &str, pairs: u64) -> Summary {
    let outputs = [("label".to_owned(), OutputKind::Label)];
    let mut comparison = Comparison::new(identity("1.2.0"), identity(challenger), 7, outputs);
    (0..pairs).for_each(|_| comparison.pair());
    let mut summary = Summary::new(identity("1.2.0"));
    summary.comparison = Some(comparison);
    summary
}

fn pairs(all: impl IntoIterator<Item = Summary>, challenger: Option<&str>) -> Option<u64> {
    let mut sum = Sum::new(identity("1.2.0"), challenger.map(identity));
    all.into_iter().for_each(|told| sum.add(told));
    sum.into_summary()?.comparison.map(|c| c.pairs())
}

#[test]
fn what_all_pods_have_seen_is_added_up() {
    assert_eq!(pairs([told("1.3.0", 10), told("1.3.0", 5)], Some("1.3.0")), Some(15));
}

#[test]
fn a_pod_that_has_not_heard_of_the_new_challenger_yet_tells_nothing_of_it() {
    assert_eq!(pairs([told("1.3.0", 10), told("1.4.0", 5)], Some("1.4.0")), Some(5));
    assert_eq!(pairs([told("1.4.0", 5), told("1.3.0", 10)], Some("1.4.0")), Some(5));
}

#[test]
fn without_an_accepted_challenger_nothing_is_compared() {
    assert_eq!(pairs([told("1.3.0", 10)], None), None);
}

#[test]
fn no_answer_at_all_is_not_the_same_as_nothing_seen() {
    assert!(Sum::new(identity("1.2.0"), None).into_summary().is_none());
}

#[test]
fn however_many_passes_there_are_pods_are_asked_every_thirty_seconds_at_most() {
    let summaries = Summaries::new();
    let start = Instant::now();
    let asked = (0..90).filter(|s| summaries.begins_round("a", start + Duration::from_secs(*s))).count();
    assert_eq!(asked, 3);
    assert!(summaries.begins_round("b", start), "each deployment has a clock of its own");
}

#[test]
fn the_next_look_is_when_the_next_round_is_due() {
    let summaries = Summaries::new();
    let start = Instant::now();
    assert_eq!(summaries.due_in("a", start), None);
    summaries.begins_round("a", start);
    assert_eq!(summaries.due_in("a", start + Duration::from_secs(12)), Some(Duration::from_secs(18)));
    assert_eq!(summaries.due_in("a", start + EVERY), None, "it waits for a pod, not for a time");
}

#[test]
fn deployments_that_are_gone_are_forgotten() {
    let summaries = Summaries::new();
    let start = Instant::now();
    for i in 0..100 {
        summaries.begins_round(&i.to_string(), start);
    }
    summaries.begins_round("alive", start + FORGOTTEN);
    assert_eq!(summaries.rounds.lock().expect("no test panics with it").len(), 1);
}

/// What is made of a pod's answer.
async fn heard(answer: serde_json::Value) -> Result<Summary, Error> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let pod = Router::new().route("/understudy/v1/summary", get(|| async { Json(answer) }));
    let (summaries, main) = (Summaries::new(), identity("1.2.0"));
    tokio::select! {
        heard = summaries.ask(&base, &main) => heard,
        ended = axum::serve(listener, pod) => panic!("the pod ended: {ended:?}"),
    }
}

#[tokio::test]
async fn a_pod_of_main_is_heard() {
    let told = told("1.3.0", 10);
    let heard = heard(serde_json::to_value(&told).expect("JSON")).await.expect("an answer");
    assert_eq!(heard, told);
}

#[tokio::test]
async fn a_pod_that_serves_other_bytes_than_main_is_not_counted() {
    let other = json!({"main": {"version": "1.2.0", "digest": "sha256:other"}});
    let error = heard(other).await.expect_err("another main");
    assert!(error.to_string().ends_with("is answered by 1.2.0 sha256:other, which is not main"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_summary_is_not_counted() {
    let error = heard(json!(["1.2.0"])).await.expect_err("no summary");
    assert!(error.to_string().starts_with("failed to understand the answer of http://"), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let endless = json!({"main": "x".repeat(MAX_BYTES)});
    let error = heard(endless).await.expect_err("it is too large");
    assert!(error.to_string().starts_with("failed to read the answer"), "{error}");
}
