//! Access to the API server: caches, watches and writes.

pub mod apply;
pub mod cache;
pub mod diff;
pub mod kinds;
pub mod labels;
pub mod pods;
pub mod quantity;
pub mod scope;
mod status_patch;
pub mod triggers;
pub mod watch;
