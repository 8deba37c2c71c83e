//! Copies main's calls to the challenger.
//!
//! A call enters through [`Handle`]. The [`forwarder`] sends the copy and [`response`] decodes what comes back. Then the
//! call leaves through [`handle::Next`], whatever happened to the copy. [`Challenger`] is where copies go: [`upstream`]
//! has its connections, [`breaker`] its circuit breaker. [`Counts`] accounts for each call.

pub mod breaker;
pub mod challenger;
pub mod counts;
pub mod forwarder;
pub mod handle;
pub mod response;
pub mod upstream;

pub use self::{
    breaker::Admission,
    challenger::Challenger,
    counts::Counts,
    forwarder::open,
    handle::{Handle, RawRequest},
};
