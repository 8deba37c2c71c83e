//! What a queue behind the answers needs: [`budget`] bounds its bytes, [`lazy`] reads it without a wake-up for each
//! entry, [`thread`] works on it at low priority, and [`sampling`] picks the calls that enter it.

pub mod budget;
pub mod lazy;
pub mod sampling;
pub mod thread;
