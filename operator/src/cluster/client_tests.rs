//! A dead connection does not hang a request or a watch.

use std::convert::Infallible;

use axum::http::StatusCode;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Empty, StreamBody};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::WatchParams};
use tower::service_fn;

use super::*;
use crate::error_chain::chain;

/// An API server that sends these parts of a body, each after a pause, and then nothing more and no end.
fn silent_after(parts: Vec<(Duration, &'static str)>) -> (Client, Heard) {
    let heard = Heard::default();
    heard.watch::<Pod>(&Scope::Cluster);
    let service = service_fn(move |_: Request<Body>| {
        let parts = parts.clone();
        async move {
            let sent = stream::iter(parts).then(|(pause, part)| async move {
                tokio::time::sleep(pause).await;
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(part.as_bytes())))
            });
            Ok::<_, Infallible>(Response::new(BodyExt::boxed_unsync(StreamBody::new(
                sent.chain(stream::pending()),
            ))))
        }
    });
    let limited = Limits { heard: heard.clone() }.layer(service);
    (Client::new(limited, "default"), heard)
}

const BOOKMARK: &str = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"}}}\n";

#[tokio::test(start_paused = true)]
async fn a_request_that_is_never_answered_fails() {
    let service = service_fn(|_: Request<Body>| {
        futures::future::pending::<Result<Response<Empty<Bytes>>, Infallible>>()
    });
    let client = Client::new(Limits { heard: Heard::default() }.layer(service), "default");
    let error = Api::<Pod>::namespaced(client, "risk").get("fraud-1").await.expect_err("nobody answers");
    let text = chain(&error);
    assert!(text.contains("/api/v1/namespaces/risk/pods/fraud-1 within 15 s"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_response_that_stops_in_the_middle_fails() {
    let (client, _) = silent_after(vec![(Duration::ZERO, "{\"kind\":")]);
    let error =
        Api::<Pod>::namespaced(client, "risk").get("fraud-1").await.expect_err("the rest never comes");
    assert!(chain(&error).contains("within 15 s"), "{}", chain(&error));
}

#[tokio::test(start_paused = true)]
async fn a_watch_lives_as_long_as_bookmarks_come_and_fails_after_their_end() {
    let minute = (Duration::from_mins(1), BOOKMARK);
    let (client, heard) = silent_after(vec![minute; 5]);
    let start = Instant::now();
    let events = Api::<Pod>::all(client).watch(&WatchParams::default(), "1").await.expect("a watch");
    let events: Vec<_> = events.collect().await;
    let (bookmarks, failed): (Vec<_>, Vec<_>) = events.into_iter().partition(Result::is_ok);
    assert_eq!((bookmarks.len(), failed.len()), (5, 1));
    assert_eq!(start.elapsed(), Duration::from_mins(5) + SILENCE);
    assert_eq!(heard.silence()["Pod"], SILENCE, "the last bookmark was the last that was heard");
}

#[tokio::test(start_paused = true)]
async fn a_refused_list_is_not_a_sign_of_life() {
    let heard = Heard::default();
    heard.watch::<Pod>(&Scope::Cluster);
    let refuses = service_fn(|_: Request<Body>| async {
        let response = Response::builder().status(StatusCode::FORBIDDEN).body(Empty::<Bytes>::new());
        Ok::<_, Infallible>(response.expect("a response"))
    });
    let client = Client::new(Limits { heard: heard.clone() }.layer(refuses), "default");
    tokio::time::advance(Duration::from_secs(40)).await;
    Api::<Pod>::all(client).list(&kube::api::ListParams::default()).await.expect_err("it is forbidden");
    assert_eq!(heard.silence()["Pod"], Duration::from_secs(40));
}
