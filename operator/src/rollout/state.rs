//! The state that the controller of deployments keeps between passes. A new leader begins without it.

use jiff::Timestamp;

use super::{expectations::Expectations, rounds::Rounds};
use crate::clock;

/// State shared by all passes of one controller.
pub struct State {
    /// Changes of main that the cache does not contain yet.
    pub expectations: Expectations,
    /// When pods were requested for their summaries.
    pub rounds: Rounds,
    /// When this process began to lead. Deadlines do not count the time before.
    pub leading_since: Timestamp,
}

impl State {
    /// The state of a leader that begins at this time.
    pub fn since(leading_since: Timestamp) -> Self {
        Self { expectations: Expectations::default(), rounds: Rounds::default(), leading_since }
    }
}

impl Default for State {
    /// The state of a leader that begins now.
    fn default() -> Self {
        Self::since(clock::now())
    }
}
