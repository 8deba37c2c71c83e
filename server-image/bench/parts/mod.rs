//! The parts of the bench. Each can run alone.

pub mod batches;
pub mod bodies;
pub mod cores;
pub mod decode;
pub mod image;
pub mod memory;
pub mod models;
pub mod start;

/// The names of this server in its three forms.
pub fn own(wire: crate::load::Wire) -> String {
    format!("Understudy, {}", wire.name())
}

/// A number of threads, processes or rows.
pub fn counted(count: usize, what: &str, whats: &str) -> String {
    format!("{count} {}", if count == 1 { what } else { whats })
}

/// As a factor: counts are far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "a small count")]
pub fn factor(count: usize) -> f64 {
    count as f64
}
