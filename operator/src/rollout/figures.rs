//! Figures as a status has them: whole numbers that fit, six significant digits, and names of bounded length. Pure.

use understudy_crds::{Estimate, limits, text};
use understudy_stats as stats;

/// A count as Kubernetes has it.
pub fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An estimate as the status has it. `None` unless it is finite.
pub fn estimate(of: stats::Estimate) -> Option<Estimate> {
    let (value, low, high) = (rounded(of.value)?, rounded(of.low)?, rounded(of.high)?);
    Some(Estimate { value, low, high })
}

/// A name, cut to the length that the schema allows.
pub fn short(name: &str) -> String {
    text::clamp(name, limits::TENSOR_NAME)
}

/// The value with six significant digits. `None` if it is not finite: JSON has no such numbers.
pub fn rounded(value: f64) -> Option<f64> {
    if !value.is_finite() {
        return None;
    }
    format!("{value:.5e}").parse().ok()
}
