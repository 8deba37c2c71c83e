//! Estimates with 95 % confidence intervals. A small sample has a wide interval.

use serde::{Deserialize, Serialize};

use crate::real::real;

/// The 97.5 % quantile of the standard normal distribution: 95 % of the values lie between -Z and Z.
const Z: f64 = 1.959_963_984_540_054;

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
    let n = real(of);
    let value = real(hits.min(of)) / n;
    let z2 = Z * Z;
    let scale = 1.0 + z2 / n;
    let centre = (value + z2 / (2.0 * n)) / scale;
    let half = Z / scale * (value * (1.0 - value) / n + z2 / (4.0 * n * n)).sqrt();
    // For no hits or only hits, one end equals the value. The formula misses it by a rounding error.
    let low = if hits == 0 { 0.0 } else { (centre - half).clamp(0.0, value) };
    let high = if hits >= of { 1.0 } else { (centre + half).clamp(value, 1.0) };
    Some(Estimate { value, low, high })
}

/// The mean of `n` values. `m2` is the sum of their squared distances to the mean. `None` for fewer than two values,
/// which have no variance.
///
/// The interval is Student's: the mean plus and minus the 97.5 % quantile of t with n - 1 degrees of freedom times the
/// standard error. It relies on the central limit theorem, and is too narrow for few and very skewed values. Equal
/// values have an interval of width 0, even if they are few.
#[must_use]
pub fn mean(n: u64, mean: f64, m2: f64) -> Option<Estimate> {
    if n < 2 || !mean.is_finite() || !m2.is_finite() {
        return None;
    }
    let freedom = real(n - 1);
    let error = (m2.max(0.0) / freedom / real(n)).sqrt();
    let half = t_quantile(n - 1) * error;
    Some(Estimate { value: mean, low: mean - half, high: mean + half })
}

/// Pearson's correlation `r` of `n` pairs. `None` for fewer than four pairs, for which the interval is not defined.
///
/// The interval is by Fisher's transformation: atanh r is about normal with the standard error 1 / sqrt(n - 3) (R. A.
/// Fisher, Metron 1 (1921) 3). It assumes an approximately normal distribution, and is only a rough guide for others.
#[must_use]
pub fn correlation(n: u64, r: f64) -> Option<Estimate> {
    if n < 4 || !r.is_finite() {
        return None;
    }
    let value = r.clamp(-1.0, 1.0);
    let half = Z / real(n - 3).sqrt();
    let z = value.atanh();
    Some(Estimate { value, low: (z - half).tanh(), high: (z + half).tanh() })
}

/// The 97.5 % quantile of Student's t. Below ten degrees of freedom it comes from the table. Otherwise it is the
/// Cornish-Fisher expansion (Abramowitz and Stegun, 26.7.5), with an error of at most four parts in a million.
fn t_quantile(freedom: u64) -> f64 {
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

/// The 99.9 % quantile of chi-square, by the approximation of Wilson and Hilferty (PNAS 17 (1931) 684). Two digits are
/// correct for two or more degrees of freedom.
pub(crate) fn chi_square_rarely_above(freedom: u64) -> f64 {
    const Z_999: f64 = 3.090_232_306_167_814;
    let nu = real(freedom);
    let spread = 2.0 / (9.0 * nu);
    nu * (1.0 - spread + Z_999 * spread.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::{Estimate, correlation, mean, proportion};

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

    // scipy 1.17.1: stats.t.interval(.95, n - 1, values.mean(), stats.sem(values)) of
    // [1, 2], [.1, .4, .2, .9], [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8] and np.arange(50) ** 1.5
    #[test]
    fn the_interval_of_a_mean_is_that_of_student() {
        assert_near(mean(2, 1.5, 0.5), 1.5, -4.853_102_368_087_347, 7.853_102_368_087_347);
        assert_near(mean(4, 0.4, 0.38), 0.4, -0.166_320_470_573_367_85, 0.966_320_470_573_367_9);
        assert_near(
            mean(12, 4.333_333_333_333_333, 70.666_666_666_666_67),
            4.333_333_333_333_333,
            2.722_919_650_449_236,
            5.943_747_016_217_43,
        );
        assert_near(
            mean(50, 137.902_990_326_330_35, 549_763.262_952_801_7),
            137.902_990_326_330_35,
            107.800_038_329_393_98,
            168.005_942_323_266_7,
        );
    }

    #[test]
    fn a_mean_needs_two_values_and_finite_sums() {
        assert_eq!(mean(1, 3.0, 0.0), None);
        assert_eq!(mean(3, f64::NAN, 0.0), None);
        assert_eq!(mean(3, 0.0, f64::INFINITY), None);
    }

    // scipy 1.17.1: stats.pearsonr([1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 7, 8, 6, 9]).confidence_interval()
    #[test]
    fn the_interval_of_a_correlation_is_that_of_fisher() {
        let r = 0.896_421_457_000_795_1;
        assert_near(correlation(8, r), r, 0.520_608_645_286_509, 0.981_252_773_801_291_3);
        assert_near(correlation(100, 1.0), 1.0, 1.0, 1.0);
        assert_eq!(correlation(3, 0.5), None);
    }
}
