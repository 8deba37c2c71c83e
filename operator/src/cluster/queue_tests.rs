//! What a controller may rely on from its queue.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;
use tokio::{sync::Semaphore, time::timeout};

use super::*;

fn key(name: &str) -> Key {
    Key::new("risk", name)
}

/// The next object, if there is one now.
async fn now(queue: &Queue) -> Option<Pass<'_>> {
    timeout(Duration::ZERO, queue.next()).await.ok()
}

#[tokio::test(start_paused = true)]
async fn adding_never_waits_and_an_object_is_in_the_queue_once() {
    let queue = Queue::default();
    for _ in 0..100_000 {
        queue.add(key("fraud"));
    }
    assert_eq!(queue.state().depth, 1);
    now(&queue).await.expect("it needs a pass").succeeded(None);
    assert!(now(&queue).await.is_none(), "one pass is enough");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_changes_during_its_pass_gets_another_one_and_not_at_the_same_time() {
    let queue = Queue::default();
    queue.add(key("fraud"));
    let pass = now(&queue).await.expect("it needs a pass");
    queue.add(key("fraud"));
    assert!(now(&queue).await.is_none(), "its pass is in progress");
    pass.succeeded(None);
    assert!(now(&queue).await.is_some(), "it changed during its pass");
}

#[tokio::test(start_paused = true)]
async fn an_event_does_not_wait_for_the_time_that_a_pass_asked_for() {
    let queue = Queue::default();
    queue.add_after(key("fraud"), Duration::from_mins(10));
    assert!(now(&queue).await.is_none());
    queue.add(key("fraud"));
    now(&queue).await.expect("the event").succeeded(None);
    tokio::time::advance(Duration::from_mins(11)).await;
    assert!(now(&queue).await.is_none(), "the pass after the event was the one that was asked for");
}

#[tokio::test(start_paused = true)]
async fn the_earliest_time_counts() {
    let queue = Queue::default();
    queue.add_after(key("fraud"), Duration::from_mins(1));
    queue.add_after(key("fraud"), Duration::from_secs(5));
    queue.add_after(key("fraud"), Duration::from_mins(2));
    let start = Instant::now();
    queue.next().await.succeeded(None);
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_is_dropped_without_a_result_is_repeated() {
    let queue = Queue::default();
    queue.add(key("fraud"));
    drop(queue.next().await);
    assert!(now(&queue).await.is_none(), "after a pause");
    assert_eq!(queue.next().await.key(), &key("fraud"));
}

#[tokio::test(start_paused = true)]
async fn the_pauses_after_failures_grow_and_end_with_a_success() {
    let queue = Queue::default();
    queue.add(key("fraud"));
    let mut pauses = vec![];
    for _ in 0..8 {
        let start = Instant::now();
        let pass = queue.next().await;
        pauses.push(start.elapsed());
        pass.failed();
    }
    assert!(pauses[7] > pauses[1] * 4, "{pauses:?}");
    queue.next().await.succeeded(None);
    queue.add(key("fraud"));
    now(&queue).await.expect("the event").failed();
    let start = Instant::now();
    drop(queue.next().await);
    assert!(start.elapsed() < pauses[6], "it begins anew");
}

#[tokio::test(start_paused = true)]
async fn the_state_says_how_long_objects_wait_and_passes_run() {
    let queue = Queue::default();
    queue.add(key("slow"));
    let slow = queue.next().await;
    queue.add(key("waits"));
    tokio::time::advance(Duration::from_secs(40)).await;
    let state = queue.state();
    assert_eq!((state.depth, state.running), (1, 1));
    assert_eq!((state.oldest, state.longest_running), (Duration::from_secs(40), Duration::from_secs(40)));
    slow.succeeded(None);
    assert_eq!(queue.state().still, Duration::ZERO);
    assert_eq!(queue.state().unfinished, Duration::ZERO);
}

/// What happens to the objects `a` to `e`.
#[derive(Clone, Debug)]
enum Act {
    Add(u8),
    AddAfter(u8, u64),
    Begin,
    End(u8, bool),
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..5_u8).prop_map(Act::Add),
        1 => (0..5_u8, 0..20_u64).prop_map(|(name, after)| Act::AddAfter(name, after)),
        3 => Just(Act::Begin),
        3 => (0..5_u8, any::<bool>()).prop_map(|(name, good)| Act::End(name, good)),
        1 => (0..30_u64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever happens, every object has a pass that begins after its last change, and never two passes at once.
    #[test]
    fn every_object_has_a_pass_after_its_last_change(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let queue = Queue::default();
            let mut changed: BTreeSet<Key> = BTreeSet::new();
            let mut running: BTreeMap<Key, Pass<'_>> = BTreeMap::new();
            for act in acts {
                match act {
                    Act::Add(name) => {
                        queue.add(key(&name.to_string()));
                        changed.insert(key(&name.to_string()));
                    }
                    Act::AddAfter(name, after) => {
                        queue.add_after(key(&name.to_string()), Duration::from_secs(after));
                        changed.insert(key(&name.to_string()));
                    }
                    Act::Begin => {
                        if let Some(pass) = now(&queue).await {
                            changed.remove(pass.key());
                            let twice = running.insert(pass.key().clone(), pass);
                            assert!(twice.is_none(), "two passes of one object");
                        }
                    }
                    Act::End(name, good) => match running.remove(&key(&name.to_string())) {
                        Some(pass) if good => pass.succeeded(None),
                        Some(pass) => pass.failed(),
                        None => {}
                    },
                    Act::Wait(seconds) => tokio::time::advance(Duration::from_secs(seconds)).await,
                }
                assert!(queue.state().depth <= 5, "it is bounded by the number of objects");
            }
            for (_, pass) in running {
                pass.succeeded(None);
            }
            while !changed.is_empty() {
                let pass = timeout(Duration::from_mins(5), queue.next()).await.expect("a change is not forgotten");
                changed.remove(pass.key());
                pass.succeeded(None);
            }
        });
    }
}

#[tokio::test]
async fn many_workers_and_many_watches_lose_nothing() {
    const OBJECTS: usize = 3_000;
    let queue = Arc::new(Queue::default());
    let done = Arc::new(Semaphore::new(0));
    for _ in 0..16 {
        let (queue, done) = (Arc::clone(&queue), Arc::clone(&done));
        tokio::spawn(async move {
            loop {
                let pass = queue.next().await;
                tokio::task::yield_now().await;
                pass.succeeded(None);
                done.add_permits(1);
            }
        });
    }
    for watch in 0..7 {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move {
            for object in 0..OBJECTS {
                queue.add(key(&format!("{watch}-{object}")));
            }
        });
    }
    let all = u32::try_from(7 * OBJECTS).expect("a small number");
    drop(timeout(Duration::from_mins(1), done.acquire_many(all)).await.expect("all have a pass"));
}
