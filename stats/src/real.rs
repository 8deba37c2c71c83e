//! Counts as real numbers.

/// A count as a real number.
#[expect(
    clippy::cast_precision_loss,
    reason = "a count above 2^53 is rounded, by less than one part in 10^15"
)]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}
