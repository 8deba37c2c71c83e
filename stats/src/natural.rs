//! How much a column changes by itself: the differences between the chunks of the training data.
//!
//! Hours and days differ. A window that is as far from the training data as one of their own chunks is not drift. So each chunk
//! is compared with the whole, and what chance alone does not explain is the natural change.

use serde::{Deserialize, Serialize};

use crate::{
    bins::Bins,
    real::real,
    tails::{chi_square_exceeded, student_exceeded},
};

/// Natural change counts only if chance alone makes such chunks in fewer than one of a thousand training data. Otherwise the
/// noise of the chunks would hide real drift.
const CERTAIN: f64 = 0.001;

/// With more degrees of freedom, Student's t is the normal distribution.
const MOST_FREEDOM: u64 = 1_000;

/// The natural change of a distribution.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Natural {
    /// The mean of the squared distance of a chunk from the whole training data, above what chance explains. On the scale of
    /// [`Bins::squared_distance`].
    pub excess: f64,
    /// The number of chunks.
    pub chunks: u64,
}

impl Natural {
    /// The natural change that chunks show, each given as its counts next to those that are expected.
    pub(crate) fn of(chunks: impl Iterator<Item = Bins>) -> Self {
        let (mut count, mut excess, mut chi_square, mut freedom) = (0_u64, 0.0, 0.0, 0.0);
        for bins in chunks {
            let (m, n) = bins.sizes();
            let degrees = bins.freedom();
            // A chunk is a part of what it is compared with.
            let chance = 1.0 / n - 1.0 / m;
            if degrees < 1.0 || chance.is_nan() || chance <= 0.0 {
                continue;
            }
            let distance = bins.squared_distance();
            count += 1;
            excess += distance - degrees * chance;
            chi_square += distance * n;
            freedom += degrees * chance * n;
        }
        let certain = count > 1 && freedom > 0.0 && chi_square > chi_square_exceeded(CERTAIN, freedom);
        let excess = if certain { (excess / real(count)).max(0.0) } else { 0.0 };
        Self { excess, chunks: count }
    }

    /// The natural change for a test that is wrong with the probability `alpha`: larger than the mean, because few chunks do
    /// not tell it exactly. A change in one direction is Student's t with as many degrees of freedom as chunks less one.
    pub(crate) fn careful(&self, alpha: f64) -> f64 {
        // Counts of a broken pod may be anything.
        if !(self.excess > 0.0 && self.excess.is_finite() && self.chunks >= 2) {
            return 0.0;
        }
        let freedom = (self.chunks - 1).min(MOST_FREEDOM);
        self.excess * student_exceeded(alpha, freedom).powi(2) / chi_square_exceeded(alpha, 1.0)
    }
}

/// The squared distance that a window without drift exceeds with the probability `alpha`, on the scale of
/// [`Bins::squared_distance`]: chance, by the sizes `m` and `n` of training data and window, and natural change.
///
/// Chance alone is chi-square with `freedom` degrees of freedom, times 1/n + 1/m. Natural change in one direction is chi-square
/// with one degree. Their sum is about chi-square with the same mean and variance (F. E. Satterthwaite, Biometrics Bulletin
/// 2 (1946) 110).
pub(crate) fn limit(freedom: f64, (m, n): (f64, f64), natural: Natural, alpha: f64) -> f64 {
    let chance = 1.0 / n + 1.0 / m;
    let natural = natural.careful(alpha);
    let mean = freedom * chance + natural;
    let variance = 2.0 * freedom * chance * chance + 4.0 * chance * natural + 2.0 * natural * natural;
    if mean.is_nan() || mean <= 0.0 {
        return 0.0;
    }
    let scale = variance / (2.0 * mean);
    scale * chi_square_exceeded(alpha, mean / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(observed: [u64; 2]) -> Bins {
        Bins::of(&[(500, observed[0]), (500, observed[1])])
    }

    #[test]
    fn chunks_that_differ_by_chance_show_no_natural_change() {
        let natural = Natural::of([[48, 52], [55, 45], [44, 56], [50, 50]].into_iter().map(chunk));
        assert_eq!((natural.excess, natural.chunks), (0.0, 4));
    }

    #[test]
    fn chunks_that_differ_more_than_by_chance_raise_the_limit() {
        let natural = Natural::of([[30, 70], [70, 30], [35, 65], [65, 35]].into_iter().map(chunk));
        assert!(natural.excess > 0.1 && natural.chunks == 4, "{natural:?}");
        let sizes = (1_000.0, 1_000.0);
        let by_chance = limit(9.0, sizes, Natural::default(), 1e-3);
        // scipy 1.17.1: stats.chi2.isf(1e-3, 9) * 2e-3
        assert!((by_chance - 27.877_164_871_256_568 * 2e-3).abs() < 1e-9, "{by_chance}");
        assert!(limit(9.0, sizes, natural, 1e-3) > 10.0 * by_chance);
    }
}
