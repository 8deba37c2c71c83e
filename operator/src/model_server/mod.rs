//! What the operator requests from model pods, over plain HTTP inside the cluster.

pub mod client;
pub mod probe;
pub mod summary;
