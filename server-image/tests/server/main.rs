//! The real binary with real models over real sockets. What is awaited is a line of its log, never a time.

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
mod role;
mod shutdown;
mod watch;
mod way;
