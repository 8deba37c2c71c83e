//! Estimates with 95 % confidence intervals. A small sample has a wide interval.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::{
    groups::{Groups, Share, Spread},
    moments::Moments,
    real::real,
};

/// The 97.5 % quantile of the standard normal distribution: 95 % of the values lie between -Z and Z.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// The 97.5 % quantiles of Student's t for 1 to 9 degrees of freedom, for which the expansion in `t_quantile` is too
/// coarse. The values are those of scipy.stats.t.ppf(0.975, df).
const T: [f64; 9] = [
    12.706_204_736,
    4.302_652_730,
    3.182_446_305,
    2.776_445_105,
    2.570_581_836,
    2.446_911_851,
    2.364_624_252,
    2.306_004_135,
    2.262_157_163,
];

/// An estimate from a sample: the value in the sample, and its 95 % confidence interval, which contains the true value
/// for 95 of 100 samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// The value in the sample.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The proportion of `hits` in `of`. `None` if `of` is 0. More hits than `of` count as `of`.
///
/// The interval is Wilson's score interval without continuity correction (E. B. Wilson, JASA 22 (1927) 209; recommended
/// for small samples by Brown, Cai and `DasGupta`, Statistical Science 16 (2001) 101). Its width is never 0: ten
/// hits of ten have the interval from 0.72 to 1.
#[must_use]
pub fn proportion(hits: u64, of: u64) -> Option<Estimate> {
    if of == 0 {
        return None;
    }
    Some(wilson(real(hits.min(of)) / real(of), real(of), Z))
}

/// Wilson's interval of the proportion `value` in a sample of `size`. `t` is the quantile for its uncertainty.
pub(crate) fn wilson(value: f64, size: f64, t: f64) -> Estimate {
    let t2 = t * t;
    let scale = 1.0 + t2 / size;
    let centre = (value + t2 / (2.0 * size)) / scale;
    let half = t / scale * (value * (1.0 - value) / size + t2 / (4.0 * size * size)).sqrt();
    // For no hits or only hits, one end equals the value. The formula misses it by a rounding error.
    let low = if value <= 0.0 { 0.0 } else { (centre - half).clamp(0.0, value) };
    let high = if value >= 1.0 { 1.0 } else { (centre + half).clamp(value, 1.0) };
    Estimate { value, low, high }
}

/// The proportion of hits in `shares` of `calls` calls. `None` if nothing is counted.
///
/// If each call has one row, it is [`proportion`]. Otherwise the sample is as large as one of independent rows with the same
/// standard error would be (E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193). If all rows are hits, or none,
/// they do not show how much the rows of a call are alike, and only the calls count.
pub(crate) fn share(shares: &Groups<Share>, calls: u64) -> Option<Estimate> {
    share_of(shares, calls, shares.total().1 <= calls)
}

/// [`share`] of some of the rows of `calls` calls. `single` is whether each call has one row.
pub(crate) fn share_of(shares: &Groups<Share>, calls: u64, single: bool) -> Option<Estimate> {
    let total = shares.total();
    let value = total.ratio()?;
    if single {
        return proportion(total.0, total.1);
    }
    let rows = real(total.1);
    match shares.spread(Share::is_empty, Share::ratio) {
        Some(spread) if spread.error > 0.0 && value > 0.0 && value < 1.0 => {
            let size = value * (1.0 - value) / spread.error.powi(2);
            Some(wilson(value, size.min(rows), t_quantile(spread.freedom)))
        }
        _ => Some(wilson(value, real(calls.max(1)).min(rows), Z)),
    }
}

/// The mean absolute difference of pairs of numbers. `None` for fewer than two calls.
///
/// The interval is Student's with the standard error of the groups. For fewer calls than groups, each of one row, it is that
/// of Student itself.
pub(crate) fn mean_absolute_difference(moments: &Groups<Moments>) -> Option<Estimate> {
    let spread = moments.spread(|of| of.count() == 0, Moments::mean_absolute_difference)?;
    // A distance is never negative.
    Some(student(&spread, 0.0, f64::INFINITY))
}

/// Student's interval of an estimate with the standard error of the groups, of figures from `least` to `most`.
pub(crate) fn student(spread: &Spread, least: f64, most: f64) -> Estimate {
    let half = t_quantile(spread.freedom) * spread.error;
    let Spread { value, .. } = *spread;
    Estimate { value, low: (value - half).max(least), high: (value + half).min(most) }
}

/// Pearson's correlation of pairs of numbers. `None` for fewer than four pairs or two calls, or if one side is constant.
///
/// The interval is symmetric after Fisher's transformation, atanh r (R. A. Fisher, Metron 1 (1921) 3), with the standard error
/// of the groups. Fisher's own, 1 / sqrt(n - 3), assumes independent rows of a normal distribution.
pub(crate) fn correlation(moments: &Groups<Moments>) -> Option<Estimate> {
    let total = moments.total();
    let value = total.correlation().filter(|_| total.count() >= 4)?;
    if value.abs() > 1.0 - 1e-12 {
        return Some(Estimate { value, low: value, high: value });
    }
    let spread = moments.spread(|of| of.count() == 0, |of| of.correlation().map(f64::atanh))?;
    let half = t_quantile(spread.freedom) * spread.error;
    Some(Estimate { value, low: (spread.value - half).tanh(), high: (spread.value + half).tanh() })
}

/// The 97.5 % quantile of Student's t. Below ten degrees of freedom it comes from the table. Otherwise it is the
/// Cornish-Fisher expansion (Abramowitz and Stegun, 26.7.5), with an error of at most four parts in a million.
pub(crate) fn t_quantile(freedom: u64) -> f64 {
    if let Some(exact) = usize::try_from(freedom).ok().and_then(|nu| T.get(nu.checked_sub(1)?)) {
        return *exact;
    }
    let nu = real(freedom);
    let z2 = Z * Z;
    let g1 = Z * (z2 + 1.0) / 4.0;
    let g2 = Z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let g3 = Z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    let g4 = Z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92160.0;
    Z + (g1 + (g2 + (g3 + g4 / nu) / nu) / nu) / nu
}

/// The probability that Student's t is as far from 0 as `t`, on either side.
pub(crate) fn t_tails(t: f64, freedom: u64) -> f64 {
    StudentsT::new(0.0, 1.0, real(freedom)).map_or(f64::NAN, |law| 2.0 * law.sf(t.abs()))
}

/// The probability that a number of the standard normal distribution is as far from 0 as `z`, on either side.
pub(crate) fn normal_tails(z: f64) -> f64 {
    2.0 * Normal::standard().sf(z.abs())
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::groups::{Counts, Turn};

    #[track_caller]
    fn assert_near(estimate: Option<Estimate>, value: f64, low: f64, high: f64) {
        let found = estimate.expect("the sample has an estimate");
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-5 * b.abs().max(1.0);
        assert!(near(found.value, value) && near(found.low, low) && near(found.high, high), "{found:?}");
    }

    // scipy 1.17.1: stats.binomtest(hits, of).proportion_ci(.95, method="wilson")
    #[test]
    fn the_interval_of_a_proportion_is_that_of_wilson() {
        assert_near(proportion(0, 10), 0.0, 0.0, 0.277_532_799_862_889_26);
        assert_near(proportion(10, 10), 1.0, 0.722_467_200_137_110_9, 1.0);
        assert_near(proportion(8, 10), 0.8, 0.490_162_471_536_641_8, 0.943_317_848_545_624_8);
        assert_near(proportion(37, 120), 37.0 / 120.0, 0.232_727_369_889_162_95, 0.395_829_977_238_006_7);
        assert_near(proportion(990, 1000), 0.99, 0.981_690_531_129_685_2, 0.994_559_245_554_470_6);
    }

    #[test]
    fn a_proportion_needs_at_least_one_count() {
        assert_eq!(proportion(0, 0), None);
        assert_eq!(proportion(7, 5).map(|estimate| estimate.value), Some(1.0));
    }

    // scipy 1.17.1: stats.t.sf(2.5, 31) * 2, stats.norm.sf(1.5) * 2
    #[test]
    fn the_tails_are_those_of_scipy() {
        assert!((t_tails(-2.5, 31) - 0.017_920_226_813_386_207).abs() < 1e-9);
        assert!((normal_tails(1.5) - 0.133_614_402_537_716_1).abs() < 1e-9);
    }

    fn moments(pairs: impl IntoIterator<Item = (f64, f64)>) -> Groups<Moments> {
        let mut groups = Groups::<Moments>::default();
        for (call, (x, y)) in (0..).zip(pairs) {
            groups.of(Turn::of(call)).push(x, y);
        }
        groups
    }

    // scipy 1.17.1: stats.t.interval(.95, n - 1, values.mean(), stats.sem(values)) of
    // [1, 2], [.1, .4, .2, .9] and [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
    #[test]
    fn the_interval_of_a_mean_of_few_calls_is_that_of_student() {
        let mean =
            |values: &[f64]| mean_absolute_difference(&moments(values.iter().map(|value| (*value, 0.0))));
        assert_near(mean(&[1.0, 2.0]), 1.5, 0.0, 7.853_102_368_087_347);
        assert_near(mean(&[0.1, 0.4, 0.2, 0.9]), 0.4, 0.0, 0.966_320_470_573_367_9);
        assert_near(
            mean(&[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0]),
            4.333_333_333_333_333,
            2.722_919_650_449_236,
            5.943_747_016_217_43,
        );
        assert_eq!(mean(&[3.0]), None);
    }

    #[test]
    fn a_correlation_needs_four_pairs_and_a_perfect_one_has_no_width() {
        let line = (0..100).map(|x| (f64::from(x), 2.0 * f64::from(x)));
        assert_near(correlation(&moments(line)), 1.0, 1.0, 1.0);
        assert_eq!(correlation(&moments([(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)])), None);
    }

    #[test]
    fn rows_that_are_alike_within_a_call_count_as_one() {
        let shares = |rows: u64| {
            let (mut groups, mut random) = (Groups::<Share>::default(), ChaCha8Rng::seed_from_u64(1));
            for call in 0..320_u64 {
                let hits = if random.random_bool(0.3) { 0 } else { rows };
                groups.of(Turn::of(call)).add(&Share(hits, rows));
            }
            share(&groups, 320).expect("there are calls")
        };
        let (single, alike) = (shares(1), shares(100));
        let width = |of: Estimate| of.high - of.low;
        assert!((0.7..1.5).contains(&(width(alike) / width(single))), "{single:?} {alike:?}");
        let mut one = Groups::<Share>::default();
        one.of(Turn::of(0)).add(&Share(100, 100));
        assert!(share(&one, 1).expect("there is a call").low < 0.3, "one call of 100 equal rows");
    }
}
