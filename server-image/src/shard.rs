//! The part of a divided structure that belongs to this thread. Threads that add to one counter, or lock one session, take
//! its line of memory from each other with each request: with 16 processors that costs more than the request.

use std::{cell::Cell, num::NonZeroUsize};

use crossbeam_utils::CachePadded;

thread_local! {
    static SHARD: Cell<usize> = const { Cell::new(0) };
}

/// Sets the shard of this thread.
pub fn set(shard: usize) {
    SHARD.set(shard);
}

/// One `T` for each shard. There is at least one.
#[derive(Debug)]
pub struct Sharded<T>(Box<[CachePadded<T>]>);

impl<T: Default> Sharded<T> {
    /// So many parts.
    #[must_use]
    pub fn new(count: NonZeroUsize) -> Self {
        Self::of((0..count.get()).map(|_| T::default()))
    }
}

impl<T> Sharded<T> {
    /// These parts. There must be one.
    pub fn of(parts: impl IntoIterator<Item = T>) -> Self {
        let parts: Box<[_]> = parts.into_iter().map(CachePadded::new).collect();
        assert!(!parts.is_empty(), "there is a shard");
        Self(parts)
    }

    /// The number of parts.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The part of this thread.
    #[must_use]
    pub fn mine(&self) -> &T {
        &self.0[SHARD.get() % self.0.len()]
    }

    /// All parts, the one of this thread first.
    pub fn mine_first(&self) -> impl Iterator<Item = &T> {
        let (before, after) = self.0.split_at(SHARD.get() % self.0.len());
        after.iter().chain(before).map(|part| &**part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_begins_with_its_own_part() {
        let parts = Sharded::of(["a", "b", "c"]);
        set(4);
        assert_eq!(*parts.mine(), "b");
        assert_eq!(parts.mine_first().copied().collect::<Vec<_>>(), ["b", "c", "a"]);
    }
}
