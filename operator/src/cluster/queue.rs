//! A queue of the objects that need a pass, as in client-go: adding never blocks, an object is in it at most once, and no
//! two passes of one object run at the same time. Its size is bounded by the number of objects.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::key::Key;
use crate::backoff::Backoff;

/// Objects that need a pass.
#[derive(Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    /// Wakes one worker, or the one that waits for the earliest delayed object.
    changed: Notify,
    backoff: Backoff,
}

#[derive(Default)]
struct Inner {
    /// Objects that need a pass now, in their order. Those with a pass in progress are not in it.
    ready: VecDeque<Key>,
    /// Objects that need a pass now, and since when.
    dirty: HashMap<Key, Instant>,
    /// Objects with a pass in progress, and since when.
    running: HashMap<Key, Instant>,
    /// Objects that need a pass later: the earliest time of each.
    delayed: BTreeSet<(Instant, Key)>,
    due: HashMap<Key, Instant>,
    /// When the newest pass ended.
    ended: Option<Instant>,
}

/// The state of a queue, for metrics and health.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueState {
    /// Objects that wait for a pass now.
    pub depth: usize,
    /// How long the one that waits longest has waited.
    pub oldest: Duration,
    /// Passes in progress.
    pub running: usize,
    /// How long the longest one has run.
    pub longest_running: Duration,
    /// The sum over all of them.
    pub unfinished: Duration,
    /// How long no pass has ended. Zero if none ended yet.
    pub still: Duration,
}

/// A pass in progress. Dropped without a result, it counts as failed.
pub struct Pass<'a> {
    queue: &'a Queue,
    key: Key,
    ended: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object needs a pass now. If one is in progress, another one follows.
    pub fn add(&self, key: Key) {
        let mut inner = self.lock();
        inner.forget_delay(&key);
        inner.make_dirty(key, Instant::now());
        drop(inner);
        self.changed.notify_one();
    }

    /// The object needs a pass after `delay`, unless it has one before.
    pub fn add_after(&self, key: Key, delay: Duration) {
        if delay.is_zero() {
            return self.add(key);
        }
        let at = Instant::now() + delay;
        let mut inner = self.lock();
        if inner.dirty.contains_key(&key) || inner.due.get(&key).is_some_and(|due| *due <= at) {
            return;
        }
        inner.forget_delay(&key);
        inner.delayed.insert((at, key.clone()));
        inner.due.insert(key, at);
        drop(inner);
        self.changed.notify_one();
    }

    /// Waits for an object that needs a pass. The pass is in progress until the result is dropped.
    pub async fn next(&self) -> Pass<'_> {
        loop {
            // A notification without a waiting worker is kept, so none between the look and the wait is missed.
            let changed = self.changed.notified();
            let now = Instant::now();
            let wait = {
                let mut inner = self.lock();
                inner.release_due(now);
                if let Some(key) = inner.ready.pop_front() {
                    inner.dirty.remove(&key);
                    inner.running.insert(key.clone(), now);
                    let more = !inner.ready.is_empty() || !inner.delayed.is_empty();
                    drop(inner);
                    if more {
                        // The permit of a notification is one worker's: pass it on.
                        self.changed.notify_one();
                    }
                    return Pass { queue: self, key, ended: false };
                }
                inner.delayed.first().map(|(at, _)| *at)
            };
            match wait {
                Some(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// The state now.
    pub fn state(&self) -> QueueState {
        let now = Instant::now();
        let inner = self.lock();
        let longest =
            |times: &HashMap<Key, Instant>| times.values().min().map_or(Duration::ZERO, |since| now - *since);
        QueueState {
            depth: inner.ready.len(),
            oldest: inner
                .ready
                .iter()
                .filter_map(|key| inner.dirty.get(key))
                .min()
                .map_or(Duration::ZERO, |since| now - *since),
            running: inner.running.len(),
            longest_running: longest(&inner.running),
            unfinished: inner.running.values().map(|since| now - *since).sum(),
            still: inner.ended.map_or(Duration::ZERO, |ended| now - ended),
        }
    }
}

impl Inner {
    fn make_dirty(&mut self, key: Key, now: Instant) {
        if self.dirty.contains_key(&key) {
            return;
        }
        self.dirty.insert(key.clone(), now);
        if !self.running.contains_key(&key) {
            self.ready.push_back(key);
        }
    }

    fn forget_delay(&mut self, key: &Key) {
        if let Some(at) = self.due.remove(key) {
            self.delayed.remove(&(at, key.clone()));
        }
    }

    fn release_due(&mut self, now: Instant) {
        while let Some((_, key)) = self.delayed.first().filter(|(at, _)| *at <= now) {
            let key = key.clone();
            self.forget_delay(&key);
            self.make_dirty(key, now);
        }
    }

    /// The pass of this object has ended: it may have the next one.
    fn end(&mut self, key: &Key) {
        self.ended = Some(Instant::now());
        self.running.remove(key);
        if self.dirty.contains_key(key) {
            self.ready.push_back(key.clone());
        }
    }
}

impl Pass<'_> {
    /// The object.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The pass succeeded. The next one is after `next` at the latest, or only after an event.
    pub fn succeeded(mut self, next: Option<Duration>) {
        self.queue.backoff.succeeded(&self.key.to_string());
        self.end(next);
    }

    /// There was no pass: the object gets one at the next event, or after `pause`.
    pub fn postponed(mut self, pause: Duration) {
        self.end(Some(pause));
    }

    /// The object does not exist any more.
    pub fn gone(mut self) {
        self.queue.backoff.succeeded(&self.key.to_string());
        self.end(None);
    }

    /// The pass failed. The next one follows after a pause that grows with each failure.
    pub fn failed(mut self) {
        self.retry();
    }

    fn retry(&mut self) {
        let pause = self.queue.backoff.failed(self.key.to_string());
        self.end(Some(pause));
    }

    fn end(&mut self, next: Option<Duration>) {
        self.ended = true;
        self.queue.lock().end(&self.key);
        if let Some(delay) = next {
            self.queue.add_after(self.key.clone(), delay);
        }
        self.queue.changed.notify_one();
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.retry();
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
