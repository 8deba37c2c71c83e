//! One call of a load, and its result.

use std::{sync::Arc, time::Instant};

/// How a caller uses its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Connection {
    /// Keeps the connection, and is never idle for long.
    Kept,
    /// Keeps the connection, and is idle for seconds between two calls.
    Idle,
    /// Opens a new connection for every call.
    Fresh,
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// A response with status 200 of this version.
    Version(Arc<str>),
    /// Any other response, or an error.
    Failure(String),
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The kind of connection.
    pub connection: Connection,
    /// When it was sent. On a fresh connection: when the connection was opened.
    pub sent: Instant,
    /// When its last byte came, or when it failed.
    pub done: Instant,
    /// What it returned.
    pub result: CallResult,
}
