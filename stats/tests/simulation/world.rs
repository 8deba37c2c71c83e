//! Random data with a fixed seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The numbers of one test. `name` and `round` make them its own.
pub fn random(name: &str, round: u64) -> ChaCha8Rng {
    let seed = name.bytes().fold(round, |seed, byte| seed.wrapping_mul(257).wrapping_add(u64::from(byte)));
    ChaCha8Rng::seed_from_u64(seed)
}

/// A distribution over categories.
pub struct Categories {
    cumulative: Vec<f64>,
}

impl Categories {
    /// Categories with these weights.
    pub fn of(weights: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let cumulative = weights.into_iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { cumulative: cumulative.collect() }
    }

    /// `count` categories whose shares follow Zipf's law: the second one is half as frequent as the first.
    pub fn zipf(count: u32) -> Self {
        Self::of((1..=count).map(|rank| 1.0 / f64::from(rank)))
    }

    /// How often each category occurs among `rows`.
    pub fn counts(&self, rows: u32, random: &mut ChaCha8Rng) -> Vec<u64> {
        let mut counts = vec![0; self.cumulative.len()];
        let all = self.cumulative.last().copied().unwrap_or_default();
        for _ in 0..rows {
            let drawn = random.random::<f64>() * all;
            let place = self.cumulative.partition_point(|edge| *edge <= drawn);
            counts[place.min(self.cumulative.len() - 1)] += 1;
        }
        counts
    }
}

/// True with this probability.
pub fn chance(probability: f64, random: &mut ChaCha8Rng) -> bool {
    random.random::<f64>() < probability
}
