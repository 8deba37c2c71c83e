//! What a turn measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Answers a second, percentiles of the time of an answer in microseconds, and how much of a processor the load itself took, in
/// percent: near 100, it measures the load.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Measured {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
    pub load: f64,
}

impl Measured {
    /// Of the times of all answers within `time`. No load took part.
    pub fn of(mut taken: Vec<Duration>, time: Duration) -> Self {
        assert!(!taken.is_empty(), "no answer within {} s", time.as_secs_f64());
        taken.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let rate = taken.len() as f64 / time.as_secs_f64();
        let at =
            |percent: usize| taken[(taken.len() * percent / 100).min(taken.len() - 1)].as_secs_f64() * 1e6;
        Self { rate, p50: at(50), p99: at(99), load: 0.0 }
    }
}

/// The medians of several turns, each figure on its own.
pub fn median(turns: &[Measured]) -> Measured {
    let middle = |of: fn(&Measured) -> f64| middle(turns.iter().map(of).collect());
    Measured {
        rate: middle(|turn| turn.rate),
        p50: middle(|turn| turn.p50),
        p99: middle(|turn| turn.p99),
        load: middle(|turn| turn.load),
    }
}

/// The median.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
