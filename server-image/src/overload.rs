//! Whether the queue is one that only grows old. A burst fills the queue and empties it again, and every caller gets a
//! prediction. Under a constant overload each request waits as long as the queue is, until its caller has given up, and the
//! work is wasted. So once all requests have waited too long for a while, those that have are refused instead of run
//! (`CoDel`: Nichols and Jacobson, "Controlling queue delay", 2012).

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// How long all requests must have been late.
const INTERVAL: Duration = Duration::from_secs(1);
/// A request that waited for less than so many runs is not late: a slow model has no shorter queue.
const RUNS: u32 = 4;

/// What is known about the time in the queue.
#[derive(Debug)]
pub struct Overload {
    /// A request that waited longer is late.
    target: Duration,
    start: Instant,
    /// Since when all requests have been late, in milliseconds since the start. 0 while they are not.
    late: AtomicU64,
}

impl Overload {
    /// No overload yet.
    #[must_use]
    pub fn new(target: Duration, start: Instant) -> Self {
        Self { target, start, late: AtomicU64::new(0) }
    }

    /// Whether a request that leaves the queue at `now`, after `waited`, must be refused. The last run took `ran`.
    pub fn refuses(&self, waited: Duration, ran: Duration, now: Instant) -> bool {
        if waited <= self.target.max(RUNS * ran) {
            self.late.store(0, Relaxed);
            return false;
        }
        let now =
            u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX).max(1);
        match self.late.load(Relaxed) {
            0 => {
                self.late.store(now, Relaxed);
                false
            }
            since => Duration::from_millis(now.saturating_sub(since)) > INTERVAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Duration = Duration::from_secs(2);
    const LATE: Duration = Duration::from_secs(3);
    const FAST: Duration = Duration::from_millis(100);

    #[test]
    fn a_burst_is_served_and_a_constant_overload_is_not() {
        let start = Instant::now();
        let overload = Overload::new(TARGET, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!overload.refuses(LATE, FAST, at(100)), "the first late one");
        assert!(!overload.refuses(LATE, FAST, at(101)));
        assert!(overload.refuses(LATE, FAST, at(102)));
        assert!(!overload.refuses(TARGET, FAST, at(103)), "those that waited less are served all the time");
        assert!(!overload.refuses(LATE, FAST, at(110)), "the overload has to begin anew");
    }

    #[test]
    fn a_slow_model_may_have_an_older_queue() {
        let start = Instant::now();
        let overload = Overload::new(TARGET, start);
        for second in 0..100 {
            assert!(!overload.refuses(LATE, LATE / 2, start + Duration::from_secs(second)));
        }
    }
}
