//! Tails and quantiles of distributions, far from their middle: a false alarm is as rare as one in a million.

use statrs::{
    distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT},
    function::beta::checked_beta_reg,
};

use crate::real::real;

/// The probability that chi-square exceeds `value`.
pub(crate) fn chi_square_above(value: f64, freedom: u64) -> f64 {
    ChiSquared::new(real(freedom)).map_or(f64::NAN, |law| law.sf(value))
}

/// The probability that a number of Kolmogorov's distribution exceeds `value`: 2 times the sum of (-1)^(k-1) exp(-2 k^2
/// `value`^2). It converges slowly only where the probability is 1.
pub(crate) fn kolmogorov_above(value: f64) -> f64 {
    if value < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * value * value).exp()
    };
    (1..=20).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The number that chi-square exceeds with the probability `alpha`. `freedom` need not be whole.
///
/// It begins at the approximation of Wilson and Hilferty (PNAS 17 (1931) 684) and improves it by Newton's method on the
/// logarithm of the tail, which is almost a straight line.
pub(crate) fn chi_square_exceeded(alpha: f64, freedom: f64) -> f64 {
    let Ok(law) = ChiSquared::new(freedom) else { return f64::INFINITY };
    let spread = 2.0 / (9.0 * freedom);
    let mut value = freedom * (1.0 - spread + normal_exceeded(alpha) * spread.sqrt()).max(0.1).powi(3);
    for _ in 0..8 {
        let (tail, density) = (law.sf(value), statrs::distribution::Continuous::pdf(&law, value));
        if !(tail > 0.0 && density > 0.0) {
            break;
        }
        let step = (tail / alpha).ln() * tail / density;
        value = (value + step).max(value / 2.0);
        if step.abs() < 1e-9 * value {
            break;
        }
    }
    value
}

/// The number that a standard normal variable exceeds with the probability `alpha`.
pub(crate) fn normal_exceeded(alpha: f64) -> f64 {
    -Normal::standard().inverse_cdf(alpha)
}

/// The number that the absolute value of Student's t exceeds with the probability `alpha`.
pub(crate) fn student_exceeded(alpha: f64, freedom: u64) -> f64 {
    StudentsT::new(0.0, 1.0, real(freedom)).map_or(f64::INFINITY, |law| -law.inverse_cdf(alpha / 2.0))
}

/// The probability of `x` or more events in a sample of `n`, if a sample of `m` had `k` and both have the same rate. The counts
/// need not be whole.
///
/// It is the conditional test of two Poisson counts (J. Przyborowski and H. Wilenski, Biometrika 31 (1940) 313): of all events
/// together, those in the first sample are binomial with the share n / (n + m). It is exact for rare events, and careful for
/// others.
pub(crate) fn more_events(x: f64, n: f64, k: f64, m: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    checked_beta_reg(x, k + 1.0, n / (n + m)).unwrap_or(1.0)
}

/// The probability of `x` or fewer events in a sample of `n`, as [`more_events`].
pub(crate) fn fewer_events(x: f64, n: f64, k: f64, m: f64) -> f64 {
    if k <= 0.0 {
        return 1.0;
    }
    checked_beta_reg(k, x + 1.0, m / (n + m)).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHI_SQUARE: [(f64, f64, f64); 5] = [
        (3e-7, 9.0, 47.625_779_407_157_694),
        (3e-7, 1.0, 26.249_709_161_977_36),
        (0.001, 1.7, 13.000_503_642_888_328),
        (1e-10, 63.0, 162.464_701_162_246_34),
        (0.01, 2.5, 10.311_244_391_741_498),
    ];

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-6, "{found} is not {expected}");
    }

    // scipy 1.17.1: stats.chi2.isf(alpha, freedom), stats.t.isf(alpha / 2, freedom)
    #[test]
    fn the_quantiles_are_those_of_scipy_also_far_out() {
        for (alpha, freedom, expected) in CHI_SQUARE {
            assert_near(chi_square_exceeded(alpha, freedom), expected);
        }
        for freedom in [1, 2, 10, 1_000] {
            assert!((0.0..f64::INFINITY).contains(&student_exceeded(1e-12, freedom)), "{freedom}");
        }
        assert_near(student_exceeded(3e-7, 19), 7.689_839_278_540_012_5);
    }

    // scipy 1.17.1: stats.binom.sf(x - 1, x + k, n / (n + m)), stats.binom.cdf(x, x + k, n / (n + m))
    #[test]
    fn the_tails_of_two_rates_are_binomial() {
        assert_near(more_events(12.0, 1_000.0, 3.0, 4_000.0), 1.011_253_248e-6);
        assert_near(fewer_events(2.0, 1_000.0, 40.0, 4_000.0), 0.005_556_173_022_380_961);
        assert_near(more_events(5.0, 1_000.0, 0.0, 1_000.0), 1.0 / 32.0);
        assert!((more_events(0.0, 1_000.0, 5.0, 1_000.0) - 1.0).abs() < 1e-12);
        assert!((fewer_events(0.0, 1_000.0, 0.0, 1_000.0) - 1.0).abs() < 1e-12);
    }

    // scipy 1.17.1: stats.chi2.sf(52.687483641290584, 3), and stats.kstwobign.sf of .03 * (r + .12 + .11 / r),
    // r = (1000 * 10000 / 11000) ** .5
    #[test]
    fn the_tails_are_those_of_scipy() {
        assert!(
            (chi_square_above(52.687_483_641_290_584, 3) / 2.137_332_675_714_782_2e-11 - 1.0).abs() < 1e-6
        );
        let root = (1e7_f64 / 11_000.0).sqrt();
        let found = kolmogorov_above(0.03 * (root + 0.12 + 0.11 / root));
        assert!((found - 0.381_449_797_308_889_3).abs() < 1e-9, "{found}");
        assert!((kolmogorov_above(0.19) - 1.0).abs() < 1e-9 && kolmogorov_above(30.0) < 1e-300);
    }
}
