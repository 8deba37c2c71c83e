//! Fetches the model file from a bucket, a web server or a mounted PVC, and checks its digest.
//!
//! This module does not read the contents of the file. The server later loads the copy in the work directory, so a
//! change in the store after the check has no effect.

mod egress_guard;
mod fetch;
mod fetch_error;
mod jitter;
mod pvc;
pub(crate) mod s3;
mod secret;
mod uri;
mod web;

pub use fetch::{Artifact, FetchRequest, fetch};
pub(crate) use fetch_error::innermost;
pub(crate) use jitter::jittered;
pub use secret::Secret;
pub use uri::Uri;
