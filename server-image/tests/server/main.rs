//! The real binary with real models over real sockets. Tests wait for a line of the log or for a count, never for a time.

mod analysis;
mod artifacts;
mod batching;
mod challengers;
mod client;
mod crowd;
mod datatypes;
mod examples;
mod grpc;
mod harness;
mod hostile;
mod latency;
mod limits;
mod memory;
mod mirror;
mod models;
mod pages;
mod predict;
mod proof;
mod protocol;
mod records;
mod relay;
mod role;
mod rows;
mod shutdown;
mod triton;
