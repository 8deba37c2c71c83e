//! The real binary with real models over real sockets. Tests wait for a line of the log or for a count, never for a time.

mod analysis;
mod artifacts;
mod challengers;
mod client;
mod datatypes;
mod harness;
mod hostile;
mod latency;
mod limits;
mod mirror;
mod predict;
mod protocol;
mod records;
mod relay;
mod role;
mod shutdown;
