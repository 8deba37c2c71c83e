//! Memory that calls may reserve while they wait: taken in shares, given back when a reservation is dropped.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A number of bytes that cannot be exceeded.
#[derive(Debug)]
pub struct Budget {
    taken: AtomicUsize,
    limit: usize,
}

impl Budget {
    /// Budget for `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { taken: AtomicUsize::new(0), limit })
    }

    /// Takes `bytes`, or nothing where less is left. Never waits.
    #[must_use]
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let mut reservation = Reservation { budget: Arc::clone(self), bytes: 0 };
        reservation.grow(bytes).then_some(reservation)
    }
}

/// A part of a [`Budget`].
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Takes `more` bytes; false, and no change, where less is left.
    pub fn grow(&mut self, more: usize) -> bool {
        let taken = self.budget.taken.fetch_add(more, Relaxed);
        if taken.saturating_add(more) > self.budget.limit {
            self.budget.taken.fetch_sub(more, Relaxed);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_given_back_and_no_more_than_all_is_taken() {
        let budget = Budget::new(10);
        let mut first = budget.reserve(4).unwrap();
        assert!(budget.reserve(7).is_none());
        let second = budget.reserve(5).unwrap();
        assert!(!first.grow(2) && first.grow(1));
        drop((first, second));
        assert!(budget.reserve(10).is_some());
        assert!(budget.reserve(usize::MAX).is_none());
    }
}
