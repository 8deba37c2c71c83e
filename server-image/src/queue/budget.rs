//! A bounded number of bytes that calls reserve while they are in a queue, and responses until they are sent.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A bounded number of bytes.
#[derive(Debug)]
pub struct Budget {
    reserved: AtomicUsize,
    limit: usize,
}

impl Budget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { reserved: AtomicUsize::new(0), limit })
    }

    /// Reserves `bytes`. `None` if fewer are left. Never waits.
    #[must_use]
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let mut reservation = Reservation { budget: Arc::clone(self), bytes: 0 };
        reservation.grow(bytes).then_some(reservation)
    }
}

/// A part of a [`Budget`]. Dropping it returns the bytes.
#[derive(Debug)]
pub struct Reservation {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Reservation {
    /// Reserves `more` bytes. Returns false and changes nothing if fewer are left.
    pub fn grow(&mut self, more: usize) -> bool {
        let reserved = self.budget.reserved.fetch_add(more, Relaxed);
        if reserved.saturating_add(more) > self.budget.limit {
            self.budget.reserved.fetch_sub(more, Relaxed);
            return false;
        }
        self.bytes += more;
        true
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.reserved.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_never_exceed_the_budget_and_return_their_bytes() {
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
