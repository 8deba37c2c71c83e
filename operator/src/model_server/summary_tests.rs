//! Which responses of pods count.

use axum::{Json, Router, routing::get};
use serde_json::json;
use understudy_stats::OutputKind;

use super::*;

fn identity(version: &str) -> Identity {
    Identity { version: version.to_owned(), digest: format!("sha256:{version}") }
}

/// The summary of a pod of 1.2.0 that has compared `pairs` calls with a challenger.
fn summary(challenger: &str, pairs: u64) -> Summary {
    let outputs = [("label".to_owned(), OutputKind::Label)];
    let mut comparison = Comparison::new(identity("1.2.0"), identity(challenger), 7, outputs);
    (0..pairs).for_each(|_| comparison.pair(1));
    let mut summary = Summary::new(identity("1.2.0"));
    summary.comparison = Some(comparison);
    summary
}

fn pairs(all: impl IntoIterator<Item = Summary>, challenger: Option<&str>) -> Option<u64> {
    let mut sum = Sum::new(identity("1.2.0"), challenger.map(identity));
    all.into_iter().for_each(|summary| sum.add(summary));
    sum.summary?.comparison.map(|c| c.pairs())
}

#[test]
fn what_all_pods_have_seen_is_added_up() {
    assert_eq!(pairs([summary("1.3.0", 10), summary("1.3.0", 5)], Some("1.3.0")), Some(15));
}

#[test]
fn a_pod_that_has_not_read_the_new_challenger_yet_is_not_counted_for_it() {
    assert_eq!(pairs([summary("1.3.0", 10), summary("1.4.0", 5)], Some("1.4.0")), Some(5));
    assert_eq!(pairs([summary("1.4.0", 5), summary("1.3.0", 10)], Some("1.4.0")), Some(5));
}

#[test]
fn without_an_accepted_challenger_nothing_is_compared() {
    assert_eq!(pairs([summary("1.3.0", 10)], None), None);
}

#[test]
fn no_answer_at_all_is_not_the_same_as_nothing_seen() {
    assert!(Sum::new(identity("1.2.0"), None).summary.is_none());
}

/// What is made of a pod's answer.
async fn received(answer: serde_json::Value) -> Result<Summary, Error> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let pod = Router::new().route(paths::SUMMARY, get(|| async { Json(answer) }));
    // The limit of the time is not what these tests are about, and a busy machine needs long for a large body.
    let http = HttpClient::new(Duration::from_mins(1)).taking_up_to(MAX_BYTES);
    let client = SummaryClient { http, permits: Semaphore::new(1) };
    let main = identity("1.2.0");
    tokio::select! {
        response = client.get(&base, &main) => response,
        ended = axum::serve(listener, pod) => panic!("the pod ended: {ended:?}"),
    }
}

#[tokio::test]
async fn a_response_of_a_pod_of_main_is_counted() {
    let sent = summary("1.3.0", 10);
    let received = received(serde_json::to_value(&sent).expect("JSON")).await.expect("an answer");
    assert_eq!(received, sent);
}

#[tokio::test]
async fn a_pod_that_serves_other_bytes_than_main_is_not_counted() {
    let other = json!({"main": {"version": "1.2.0", "digest": "sha256:other"}});
    let error = received(other).await.expect_err("another main");
    assert!(error.to_string().ends_with("is answered by 1.2.0 sha256:other, which is not main"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_not_a_summary_is_not_counted() {
    let error = received(json!(["1.2.0"])).await.expect_err("no summary");
    assert!(error.to_string().starts_with("failed to parse the response of http://"), "{error}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let endless = json!({"main": "x".repeat(MAX_BYTES)});
    let error = received(endless).await.expect_err("it is too large");
    assert!(error.to_string().starts_with("failed to read the response"), "{error}");
}
