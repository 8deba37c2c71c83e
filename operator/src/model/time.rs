//! The time of the simulation: it passes only when a step says so.

use jiff::Timestamp;

/// The beginning of every world: 2026-11-21T12:00:00Z.
const BEGINNING: i64 = 1_795_262_400;

/// The time after these seconds.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGINNING + seconds).expect("a time")
}
