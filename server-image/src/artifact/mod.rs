//! Brings the model file here: from a bucket, a web server or a mounted claim, with its digest checked on the way.
//!
//! Nothing in this module looks into the file. The copy in the work directory is what is loaded later, so a store
//! that changes its mind after the check changes nothing.

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
