//! An exact share of calls, evenly spread.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts calls by the share that is wanted of them.
#[derive(Debug, Default)]
pub struct Sampler(AtomicU64);

impl Sampler {
    /// Whether this call is one of the `percent` of a hundred.
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
    fn of_a_hundred_calls_exactly_the_share_is_taken() {
        for percent in 0..=100 {
            let sample = Sampler::default();
            let taken = (0..300).filter(|_| sample.picks(percent)).count();
            assert_eq!(taken, 3 * usize::from(percent), "{percent} %");
        }
    }
}
