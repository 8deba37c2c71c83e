//! Why one attempt to fetch an artifact failed.

use bytes::Bytes;
use futures::stream::BoxStream;
use understudy_contract::{Failure, Reason};

/// A failed attempt: the failure, and whether another attempt may succeed.
pub(super) struct FetchError {
    pub(super) failure: Failure,
    pub(super) transient: bool,
}

impl FetchError {
    pub(super) fn permanent(reason: Reason, message: impl std::fmt::Display) -> Self {
        Self { failure: Failure::new(reason, message), transient: false }
    }

    pub(super) fn transient(message: impl std::fmt::Display) -> Self {
        Self { failure: Failure::new(Reason::ArtifactUnreachable, message), transient: true }
    }
}

/// The contents of a file, chunk by chunk.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, FetchError>>;

/// The text of the innermost cause. The errors of hyper and rustls have the useful text there.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
