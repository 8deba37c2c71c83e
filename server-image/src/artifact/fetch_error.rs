//! Why an artifact could not be read.

use bytes::Bytes;
use futures::stream::BoxStream;

use crate::failure::{Failure, Reason};

/// A failed try: the failure, and whether another try may end differently.
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

/// The chunks of a file on their way here.
pub(super) type Chunks = BoxStream<'static, Result<Bytes, FetchError>>;

/// The innermost cause, which is where hyper and rustls say what happened.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
