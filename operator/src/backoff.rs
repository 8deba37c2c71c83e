//! Exponential backoff after failed passes, per object: from 0.1 s to 60 s, with jitter.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::RngExt as _;

/// First pause.
const FIRST: Duration = Duration::from_millis(100);
/// Longest pause.
const LONGEST: Duration = Duration::from_mins(1);
/// Failing objects that are remembered. One more clears all of them, which limits the memory.
const REMEMBERED: usize = 20_000;

/// Consecutive failures, by object.
#[derive(Default)]
pub struct Backoff {
    failures: Mutex<HashMap<String, u32>>,
}

impl Backoff {
    /// Counts a failure of the object and returns the pause before its next pass.
    pub fn failed(&self, key: String) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            failures.clear();
        }
        let count = failures.entry(key).or_default();
        let pause = pause(*count);
        *count = count.saturating_add(1);
        pause.mul_f64(rand::rng().random_range(0.5..1.5))
    }

    /// Forgets the failures of the object.
    pub fn succeeded(&self, key: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn pause(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        assert_eq!(
            [0, 1, 2, 9, 10, 1000].map(|n| pause(n).as_millis()),
            [100, 200, 400, 51_200, 60_000, 60_000]
        );
    }

    #[test]
    fn a_success_begins_anew() {
        let backoff = Backoff::default();
        for _ in 0..10 {
            backoff.failed("risk/fraud".to_owned());
        }
        backoff.succeeded("risk/fraud");
        assert!(backoff.failed("risk/fraud".to_owned()) <= FIRST.mul_f64(1.5));
    }
}
