//! Estimates with their 95 % intervals, so that a small sample does not look like a result.

use serde::{Deserialize, Serialize};

use crate::real;

/// The 97.5 % quantile of the standard normal distribution: 95 % lie between it and its negative.
const Z: f64 = 1.959_963_984_540_054;

/// The 97.5 % quantiles of Student's t for 1 to 9 degrees of freedom, where the expansion in `t_quantile` is too
/// coarse. From the usual tables; scipy.stats.t.ppf(0.975, df) gives the same.
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

/// What a sample says about a value: the value in the sample, and the interval that holds the true one in 95 of 100
/// samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// In the sample.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

/// The share of `hits` in `of`. None where nothing was counted; more hits than counted are taken for all.
///
/// The interval is Wilson's score interval without continuity correction (E. B. Wilson, JASA 22 (1927) 209; recommended
/// for small samples by Brown, Cai and `DasGupta`, Statistical Science 16 (2001) 101). It never has a width of nought:
/// ten hits of ten are an interval from 0.72 to 1.
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
    // At either end the interval's bound is the value itself, but for rounding.
    let low = if hits == 0 { 0.0 } else { (centre - half).clamp(0.0, value) };
    let high = if hits >= of { 1.0 } else { (centre + half).clamp(value, 1.0) };
    Some(Estimate { value, low, high })
}

/// A mean of `n` values whose squared distances to it add up to `m2`. None for fewer than two, which say nothing of
/// how much they vary.
///
/// The interval is Student's: the mean plus and minus the 97.5 % quantile of t with n - 1 degrees of freedom times the
/// standard error. It rests on the central limit theorem, and is too narrow for few and very skewed values; values that
/// are all the same have an interval without width, however few they are.
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

/// Pearson's correlation `r` of `n` pairs. None for fewer than four, for which the interval is not defined.
///
/// The interval is by Fisher's transformation: atanh r is about normal with the standard error 1 / sqrt(n - 3)
/// (R. A. Fisher, Metron 1 (1921) 3). It supposes pairs that are about normal, and is a rough guide for others.
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

/// The 97.5 % quantile of Student's t: from the table, and from ten degrees of freedom on by the Cornish-Fisher
/// expansion (Abramowitz and Stegun, 26.7.5), there exact to six digits.
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

/// The 99.9 % quantile of chi-square, by Wilson and Hilferty's cube (PNAS 17 (1931) 684): two digits from two degrees
/// of freedom on.
pub(crate) fn chi_square_rarely_above(freedom: u64) -> f64 {
    const Z_999: f64 = 3.090_232_306_167_814;
    let nu = real(freedom);
    let spread = 2.0 / (9.0 * nu);
    nu * (1.0 - spread + Z_999 * spread.sqrt()).powi(3)
}
