//! Watches that list again, break off, and lose events, driven at random against a model of the cluster.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use futures::stream;
use k8s_openapi::api::core::v1::ConfigMap;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{cluster::key::Key, fixtures::parse};

/// What happens in the cluster, and to the watch.
#[derive(Clone, Debug)]
enum Act {
    /// An object is created or changed. The watch delivers it.
    Write(u8),
    /// An object is deleted. The watch delivers that.
    Delete(u8),
    /// An object is created or changed while the watch is cut off: only a new list shows it.
    WriteUnseen(u8),
    /// An object is deleted while the watch is cut off.
    DeleteUnseen(u8),
    /// The watch fails, and is resumed without a loss.
    Fail,
    /// The watch lists again and is cut off after so many objects, and then lists again.
    Relist(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..6_u8).prop_map(Act::Write),
        2 => (0..6_u8).prop_map(Act::Delete),
        2 => (0..6_u8).prop_map(Act::WriteUnseen),
        2 => (0..6_u8).prop_map(Act::DeleteUnseen),
        1 => Just(Act::Fail),
        2 => (0..6_u8).prop_map(Act::Relist),
    ];
    prop::collection::vec(act, 0..40)
}

fn object(name: u8, revision: u64) -> Received<ConfigMap> {
    parse(json!({"metadata": {
        "name": name.to_string(), "namespace": "risk", "resourceVersion": revision.to_string(),
        "labels": {"understudy.dev/deployment": "fraud"},
    }}))
}

type Delivered = watcher::Result<Event<Received<ConfigMap>>>;

/// The events of a watch while these acts happen, and the cluster at the end: name and revision of each object. The
/// second result has the revision of each object, also of a deleted one, at its last change.
fn play(acts: &[Act]) -> (Vec<Delivered>, BTreeMap<u8, u64>, BTreeMap<u8, u64>) {
    let (mut cluster, mut last) = (BTreeMap::new(), BTreeMap::new());
    let mut events: Vec<Delivered> = vec![];
    let mut cut_off = false;
    let deliver_list = |events: &mut Vec<Delivered>, cluster: &BTreeMap<u8, u64>, of: usize| {
        events.push(Ok(Event::Init));
        events.extend(
            cluster.iter().take(of).map(|(name, revision)| Ok(Event::InitApply(object(*name, *revision)))),
        );
    };
    deliver_list(&mut events, &cluster, usize::MAX);
    events.push(Ok(Event::InitDone));
    for (revision, act) in (1..).zip(acts) {
        match *act {
            Act::Write(name) | Act::WriteUnseen(name) => {
                cluster.insert(name, revision);
                last.insert(name, revision);
                // After the first event that is lost, a watch delivers nothing until it lists again.
                cut_off |= matches!(act, Act::WriteUnseen(_));
                if !cut_off {
                    events.push(Ok(Event::Apply(object(name, revision))));
                }
            }
            Act::Delete(name) | Act::DeleteUnseen(name) => {
                if let Some(was) = cluster.remove(&name) {
                    last.insert(name, revision);
                    cut_off |= matches!(act, Act::DeleteUnseen(_));
                    if !cut_off {
                        events.push(Ok(Event::Delete(object(name, was))));
                    }
                }
            }
            Act::Fail => events.push(Err(watcher::Error::NoResourceVersion)),
            Act::Relist(interrupted) => {
                deliver_list(&mut events, &cluster, interrupted.into());
                events.push(Err(watcher::Error::NoResourceVersion));
                deliver_list(&mut events, &cluster, usize::MAX);
                events.push(Ok(Event::InitDone));
                cut_off = false;
            }
        }
    }
    if cut_off {
        deliver_list(&mut events, &cluster, usize::MAX);
        events.push(Ok(Event::InitDone));
    }
    (events, cluster, last)
}

/// Shared by all traces: a registry of metrics is slow to make.
static METRICS: LazyLock<Arc<Metrics>> = LazyLock::new(|| Metrics::new(Heard::default()));

/// Delivers the events, and returns for each name what a pass that follows each report would have seen.
fn deliver(events: Vec<Delivered>) -> (Store<ConfigMap>, BTreeMap<u8, Vec<Option<u64>>>) {
    let store = Store::<ConfigMap>::default();
    let seen: RefCell<BTreeMap<u8, Vec<Option<u64>>>> = RefCell::default();
    let on = |change: &Change| {
        let revision = store.at(&change.key).and_then(|o| o.metadata.resource_version.clone());
        let name = change.key.name.parse().expect("a number");
        let revision = revision.map(|r| r.parse().expect("a number"));
        seen.borrow_mut().entry(name).or_default().push(revision);
    };
    let filled = fill(stream::iter(events), store.clone(), on, Arc::clone(&METRICS));
    filled.now_or_never().expect("a stream of ready events does not wait");
    (store, seen.into_inner())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn every_object_is_looked_at_after_its_last_change_and_never_in_a_half_filled_store(acts in acts()) {
        let (events, cluster, last) = play(&acts);
        let deliveries = events.len();
        let (store, seen) = deliver(events);
        let kept: BTreeSet<Key> = store.keys().into_iter().collect();
        let exist: BTreeSet<Key> = cluster.keys().map(|name| Key::new("risk", &name.to_string())).collect();
        prop_assert_eq!(kept, exist);
        let mut looks = 0;
        for name in last.keys() {
            let views = seen.get(name).map(Vec::as_slice).unwrap_or_default();
            looks += views.len();
            match (cluster.get(name), views.last()) {
                (Some(revision), Some(view)) => prop_assert_eq!(*view, Some(*revision), "{} was looked at too early", name),
                (None, Some(view)) => prop_assert_eq!(*view, None, "{} was not looked at after its deletion", name),
                // Created and deleted between two lists: no store has ever held it.
                (None, None) => {}
                (Some(_), None) => prop_assert!(false, "{} was never looked at", name),
            }
        }
        // A relist looks at each object once, however often it is interrupted.
        prop_assert!(looks <= deliveries + 12 * acts.len(), "{looks} looks after {deliveries} events");
    }
}

#[test]
fn an_object_that_a_relist_does_not_contain_is_reported_as_gone() {
    let (events, ..) = play(&[Act::Write(1), Act::DeleteUnseen(1), Act::Relist(0)]);
    let (_, seen) = deliver(events);
    assert_eq!(seen[&1].last(), Some(&None));
}

#[test]
fn pauses_of_a_failing_watch_grow_and_stay_short() {
    let mut pauses = Pauses { next: PAUSES.0 };
    let all: Vec<_> = pauses.by_ref().take(20).collect();
    assert!(all.iter().all(|pause| *pause <= PAUSES.1), "{all:?}");
    assert!(all[19] > all[0], "{all:?}");
    pauses.reset();
    assert!(pauses.next().expect("it never ends") <= PAUSES.0);
}
