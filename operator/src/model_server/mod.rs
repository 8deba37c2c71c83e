//! Requests to model pods, over plain HTTP inside the cluster.

pub mod client;
pub mod collector;
pub mod probe;
pub mod probes;
pub mod summary;
