//! Writes and their events, as watches, admission and invariants see them.

use std::sync::Arc;

use serde_json::Value;

use super::{objects::Kind, people::Who};

/// An event of a watch: the object, and whether it was deleted.
#[derive(Clone, Debug)]
pub struct Event {
    pub object: Arc<Value>,
    pub deleted: bool,
}

/// The API server refuses a request.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
}

impl Refusal {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, "Forbidden", message)
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(422, "Invalid", message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, "Conflict", message)
    }

    pub fn not_found() -> Self {
        Self::new(404, "NotFound", "not found")
    }
}

/// Which part of an object a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Main,
    Status,
}

/// A write, as admission and invariants see it.
pub struct Write<'a> {
    pub who: Who,
    pub kind: Kind,
    pub part: Part,
    pub before: Option<&'a Value>,
    pub after: Option<&'a Value>,
}
