//! Memory that calls may take while they wait: taken in shares, given back when a share is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A number of bytes that cannot be exceeded.
#[derive(Debug)]
pub struct Room {
    taken: AtomicUsize,
    limit: usize,
}

impl Room {
    /// Room for `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), limit })
    }

    /// Takes `bytes`, or nothing where less is left. Never waits.
    #[must_use]
    pub fn take(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let mut share = Share { room: Arc::clone(self), bytes: 0 };
        share.grow(bytes).then_some(share)
    }
}

/// A part of a [`Room`].
#[derive(Debug)]
pub struct Share {
    room: Arc<Room>,
    bytes: usize,
}

impl Share {
    /// Takes `more` bytes; false, and no change, where less is left.
    pub fn grow(&mut self, more: usize) -> bool {
        let taken = self.room.taken.fetch_add(more, Relaxed);
        if taken.saturating_add(more) > self.room.limit {
            self.room.taken.fetch_sub(more, Relaxed);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back_and_no_more_than_all_is_taken() {
        let room = Room::new(10);
        let mut first = room.take(4).unwrap();
        assert!(room.take(7).is_none());
        let second = room.take(5).unwrap();
        assert!(!first.grow(2) && first.grow(1));
        drop((first, second));
        assert!(room.take(10).is_some());
        assert!(room.take(usize::MAX).is_none());
    }
}
