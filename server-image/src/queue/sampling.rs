//! Selects an exact percentage of calls, evenly distributed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Selects calls. It adds up the percentages and selects a call whenever the sum passes a multiple of 100.
#[derive(Debug, Default)]
pub struct Sampler(AtomicU64);

impl Sampler {
    /// Whether this call is in a sample of `percent`, 0 to 100.
    pub fn picks(&self, percent: u8) -> bool {
        match percent {
            0 => false,
            100.. => true,
            percent => {
                let before = self.0.fetch_add(percent.into(), Relaxed);
                before / 100 != (before + u64::from(percent)) / 100
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_calls_exactly_the_percentage_is_picked() {
        for percent in 0..=100 {
            let sampler = Sampler::default();
            let picked = (0..300).filter(|_| sampler.picks(percent)).count();
            assert_eq!(picked, 3 * usize::from(percent), "{percent} %");
        }
    }
}
