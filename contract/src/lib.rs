//! What the operator and the inference server say to each other.
//!
//! The operator writes [`routing::Routing`] into a ConfigMap and the pods read it. The operator asks a pod for
//! [`probe::ProbeAnswer`]. A server that cannot start leaves a [`failure::Failure`] in its termination message, and the
//! operator reads it there. [`ports`], [`paths`] and [`headers`] say where all of this happens.
//!
//! Both sides must agree on every name here, and they are not upgraded in the same second: a field may be added, but
//! none may be renamed or change its meaning. The counts that pods report are the types of the crate `stats`.

pub mod digest;
pub mod failure;
pub mod headers;
pub mod paths;
pub mod ports;
pub mod probe;
pub mod routing;

pub use digest::Digest;
pub use failure::{Failure, Reason};
pub use probe::ProbeAnswer;
pub use routing::Routing;
