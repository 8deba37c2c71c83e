//! Counts as real numbers.

/// A count as a real number.
#[expect(
    clippy::cast_precision_loss,
    reason = "from 2^53 on a count is rounded, by less than one part in 10^15"
)]
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}
