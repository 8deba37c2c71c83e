//! Where a request runs: on the thread that read it, or on the thread of a session.
//!
//! The hop to another thread and back costs about 25 us, as much as a whole small request. A heavy request on one of the
//! runtime's threads would stop all connections of that thread. The time of a request depends on its size, so each size has
//! a measurement of its own: a batch of a thousand rows does not run there because single rows are fast. A model with loops
//! never runs there: its time depends on values that nobody has measured.

use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

/// Four times the cost of the hop: for a slower request, the hop does not matter.
const LIGHT: Duration = Duration::from_micros(100);
/// Largest body in bytes that is decoded on the runtime's threads. Decoding a larger one takes longer than [`LIGHT`].
const SMALL: usize = 32 << 10;
/// Bodies up to this size in bytes are like the synthetic input of the warm-up.
const MEASURED: usize = 1 << 10;
/// A run of this length makes a size heavy immediately. The scheduler alone does not cause it.
const HEAVY: Duration = Duration::from_millis(20);
/// Slow requests minus fast ones that make a size heavy. The scheduler alone causes a few slow ones.
const MAX_SLOW: u32 = 16;
/// Powers of two up to [`SMALL`], and 0.
const SIZES: usize = SMALL.ilog2() as usize + 2;

/// What is known about requests of each size.
#[derive(Debug)]
pub struct Placement {
    /// Slow requests minus fast ones of each size, from 0 to twice [`MAX_SLOW`].
    slow: [AtomicU32; SIZES],
    has_loops: bool,
}

impl Placement {
    /// What the warm-up shows, in which an inference took `warm_up`. Sizes that it did not measure are heavy until requests
    /// show otherwise.
    #[must_use]
    pub fn new(warm_up: Duration, has_loops: bool) -> Self {
        let light = |size| warm_up <= LIGHT && size <= size_of(MEASURED);
        let slow = std::array::from_fn(|size| AtomicU32::new(if light(size) { 0 } else { 2 * MAX_SLOW }));
        Self { slow, has_loops }
    }

    /// Whether a request with a body of so many bytes may run on the thread that read it.
    #[must_use]
    pub fn is_light(&self, bytes: usize) -> bool {
        !self.has_loops && bytes <= SMALL && self.slow[size_of(bytes)].load(Relaxed) < MAX_SLOW
    }

    /// Learns from a request that took `taken` without its time in the queue.
    pub fn learn(&self, bytes: usize, taken: Duration) {
        let Some(counter) = self.slow.get(size_of(bytes)) else { return };
        let slow = counter.load(Relaxed);
        let now = if taken > HEAVY {
            2 * MAX_SLOW
        } else if taken > LIGHT {
            (slow + 1).min(2 * MAX_SLOW)
        } else {
            slow.saturating_sub(1)
        };
        // Most requests are fast and change nothing: threads do not take the line from each other.
        if now != slow {
            counter.store(now, Relaxed);
        }
    }
}

/// The place of a size: bodies of one place differ by less than a factor of two.
fn size_of(bytes: usize) -> usize {
    bytes.checked_ilog2().map_or(0, |power| power as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_micros(10);
    const SLOW: Duration = Duration::from_micros(500);

    #[test]
    fn a_size_is_light_once_its_own_requests_were_fast() {
        let placement = Placement::new(FAST, false);
        assert!(placement.is_light(200), "as in the warm-up");
        assert!(!placement.is_light(20_000));
        (0..2 * MAX_SLOW).for_each(|_| placement.learn(20_000, FAST));
        assert!(placement.is_light(20_000));
        assert!(!placement.is_light(SMALL + 1), "a large body is never decoded there");
    }

    #[test]
    fn fast_small_requests_do_not_make_large_ones_light() {
        let placement = Placement::new(FAST, false);
        for _ in 0..1_000 {
            placement.learn(200, FAST);
            placement.learn(20_000, SLOW);
        }
        assert!(placement.is_light(200));
        assert!(!placement.is_light(20_000));
    }

    #[test]
    fn a_slow_request_alone_changes_nothing_and_a_very_slow_one_everything() {
        let placement = Placement::new(FAST, false);
        placement.learn(200, SLOW);
        assert!(placement.is_light(200));
        placement.learn(200, HEAVY * 2);
        assert!(!placement.is_light(200));
        assert!(placement.is_light(2), "another size has its own measurement");
    }

    #[test]
    fn a_model_with_loops_is_never_light() {
        let placement = Placement::new(FAST, true);
        (0..1_000).for_each(|_| placement.learn(200, FAST));
        assert!(!placement.is_light(200));
    }

    #[test]
    fn a_model_that_is_slow_in_the_warm_up_starts_heavy() {
        assert!(!Placement::new(SLOW, false).is_light(200));
    }
}
