//! Access to the API server: caches, watches and writes.

pub mod apply;
pub mod cache;
pub mod client;
pub mod diff;
pub mod key;
pub mod kinds;
pub mod labels;
pub mod objects;
mod own_writes;
pub mod packed;
pub mod placed;
pub mod pods;
pub mod quantity;
pub mod queue;
pub mod received;
mod repair;
pub mod scope;
pub mod settled;
mod status_patch;
pub mod store;
pub mod triggers;
pub mod watch;
pub mod workload;
