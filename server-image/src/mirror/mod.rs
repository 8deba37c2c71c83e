//! Copies of main's calls to the challenger. A call enters through [`Handle`], [`forwarder`] sends its copy, [`response`]
//! reads what comes back, and the call leaves through `next`, whatever became of the copy. [`challenger`] is who gets the
//! copies: its connections are in [`upstream`], its circuit breaker is [`breaker`]. [`counts`] accounts for each call.

pub mod breaker;
pub mod challenger;
pub mod counts;
pub mod forwarder;
pub mod handle;
mod response;
pub mod upstream;

pub use self::{
    breaker::Admission,
    challenger::Challenger,
    counts::Counts,
    forwarder::open,
    handle::{Handle, RawRequest},
};
