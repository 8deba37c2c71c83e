//! The memory of responses that are not sent yet. A caller that does not read its responses holds them in this process.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    error::Refusal,
    queue::budget::{Budget, Reservation},
};

/// Bodies up to this size in bytes are not counted: all connections together cannot fill much memory with them.
const UNCOUNTED: usize = 64 << 10;
/// Least budget in bytes.
const LEAST: u64 = 32 << 20;
/// Budget in bytes if the memory of the process is unknown.
const UNKNOWN: u64 = 1 << 30;

/// The memory for all bodies of responses together.
#[derive(Debug)]
pub struct Unsent {
    budget: Arc<Budget>,
    all: usize,
}

impl Unsent {
    /// An eighth of `memory` in bytes, or a fixed amount if that is unknown.
    #[must_use]
    pub fn new(memory: Option<u64>) -> Self {
        let bytes = memory.map_or(UNKNOWN, |memory| (memory / 8).max(LEAST));
        let all = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self { budget: Budget::new(all), all }
    }

    /// The body, which counts until it is sent or dropped. One that is larger than the whole budget needs all of it.
    ///
    /// Refuses a large body while there is no room for it.
    pub fn hold(&self, mut body: Vec<u8>) -> Result<Bytes, Refusal> {
        if body.len() <= UNCOUNTED {
            return Ok(body.into());
        }
        // Its writer has reserved what it could have needed.
        body.shrink_to_fit();
        let reserved = self.budget.reserve(body.len().min(self.all));
        let reservation = reserved.ok_or(Refusal::Busy("too many large responses are being sent"))?;
        Ok(Bytes::from_owner(Held { body, _reservation: reservation }))
    }
}

/// A body with its part of the budget.
struct Held {
    body: Vec<u8>,
    _reservation: Reservation,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_counts_until_it_is_dropped() {
        let unsent = Unsent::new(Some(1));
        let body = || vec![7; 20 << 20];
        let held = unsent.hold(body()).unwrap();
        assert_eq!(unsent.hold(body()), Err(Refusal::Busy("too many large responses are being sent")));
        assert!(unsent.hold(vec![7; UNCOUNTED]).is_ok(), "a small one does not count");
        let part = held.slice(100..200);
        drop(held);
        assert!(unsent.hold(body()).is_err(), "a part of it is not sent yet");
        drop(part);
        assert!(unsent.hold(body()).is_ok());
    }

    #[test]
    fn a_body_that_is_larger_than_the_budget_is_sent_alone() {
        let unsent = Unsent::new(Some(1));
        let held = unsent.hold(vec![7; 40 << 20]).unwrap();
        assert!(unsent.hold(vec![7; UNCOUNTED + 1]).is_err());
        drop(held);
        assert!(unsent.hold(vec![7; UNCOUNTED + 1]).is_ok());
    }
}
