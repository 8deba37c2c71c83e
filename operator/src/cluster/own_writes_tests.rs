//! When a pass may rely on what a store has of an object that this process has written.

use serde_json::json;
use understudy_crds::ModelVersion;

use super::*;
use crate::{
    cluster::{received::Received, store::Store},
    fixtures::{parse, version},
};

/// The version 1.0.0 of the object, as a write returned it or as a watch delivers it.
fn at(resource_version: &str, uid: &str) -> ModelVersion {
    version("1.0.0", json!({"metadata": {"resourceVersion": resource_version, "uid": uid}}))
}

fn seen(resource_version: &str, uid: &str) -> Received<ModelVersion> {
    parse(serde_json::to_value(at(resource_version, uid)).expect("JSON"))
}

#[test]
fn an_object_is_behind_from_a_write_of_this_process_to_the_event_of_that_write() {
    let (store, key) = (Store::default(), Key::new("risk", "fraud-1.0.0"));
    store.apply(seen("99", "a"));
    assert!(!store.is_behind(&key));
    store.wrote(&at("101", "a"));
    assert!(store.is_behind(&key));
    // Somebody else's write from before.
    store.apply(seen("100", "a"));
    assert!(store.is_behind(&key));
    store.apply(seen("101", "a"));
    assert!(!store.is_behind(&key));
}

#[test]
fn an_object_whose_event_came_before_the_response_is_not_behind() {
    let (store, key) = (Store::default(), Key::new("risk", "fraud-1.0.0"));
    store.apply(seen("102", "a"));
    store.wrote(&at("101", "a"));
    assert!(!store.is_behind(&key));
}

#[test]
fn a_list_shows_what_was_written_before_it() {
    let (store, key) = (Store::default(), Key::new("risk", "fraud-1.0.0"));
    store.apply(seen("99", "a"));
    store.wrote(&at("101", "a"));
    store.begin_list();
    store.list(seen("250", "a"));
    store.complete_list();
    assert!(!store.is_behind(&key));
}

#[test]
fn a_write_is_forgotten_with_its_object() {
    let (store, key) = (Store::default(), Key::new("risk", "fraud-1.0.0"));
    for gone in [true, false] {
        store.apply(seen("99", "a"));
        store.wrote(&at("101", "a"));
        if gone {
            store.delete(seen("99", "a"));
        } else {
            store.begin_list();
            store.complete_list();
        }
        assert!(!store.is_behind(&key));
    }
    store.wrote(&at("103", "a"));
    assert!(!store.is_behind(&key), "a write on an object that is gone is not remembered");
    store.apply(seen("99", "a"));
    store.wrote(&at("101", "a"));
    store.apply(seen("100", "b"));
    assert!(!store.is_behind(&key), "another object has the name");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_etcd_has_lost_holds_its_object_for_half_a_minute() {
    let (store, key) = (Store::default(), Key::new("risk", "fraud-1.0.0"));
    store.apply(seen("99", "a"));
    store.wrote(&at("101", "a"));
    // A backup was restored: the API server counts from there.
    store.apply(seen("90", "a"));
    tokio::time::advance(AWAITED / 2).await;
    assert!(store.is_behind(&key));
    tokio::time::advance(AWAITED / 2).await;
    assert!(!store.is_behind(&key));
}
