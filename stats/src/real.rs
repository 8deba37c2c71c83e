//! Counts as real numbers, and back.

/// A count as a real number.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count above 2^53 is rounded, by less than one part in 10^15"
)]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// The nearest count. 0 for a negative number and for NaN.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the conversion saturates")]
pub(crate) fn rounded(number: f64) -> u64 {
    number.round() as u64
}
