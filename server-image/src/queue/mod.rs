//! The parts of a queue behind the responses: [`sampling`] selects the calls that enter it, [`budget`] bounds its bytes,
//! [`lazy`] reads it without a wake-up for each entry, and [`thread`] works on it at low priority.

pub mod budget;
pub mod lazy;
pub mod sampling;
pub mod thread;
