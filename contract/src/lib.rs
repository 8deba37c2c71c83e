//! The contract between the operator and the inference server.
//!
//! The operator writes [`routing::Routing`] into a ConfigMap, and the pods read it. The operator probes a pod and reads
//! a [`probe::ProbeAnswer`]. A server that cannot start writes a [`failure::Failure`] into its termination message, and
//! the operator reads it there. [`ports`], [`paths`] and [`headers`] are where all of this happens.
//!
//! Both sides must agree on every name here, and they are upgraded one after the other: a field may be added, but must
//! not be renamed or change its meaning. The counts that pods report are the types of the crate `stats`.

pub mod digest;
pub mod failure;
pub mod headers;
pub mod paths;
pub mod ports;
pub mod preprocessing;
pub mod probe;
pub mod routing;

pub use digest::Digest;
pub use failure::{Failure, Reason};
pub use probe::ProbeAnswer;
pub use routing::Routing;
