//! What the controller of deployments remembers from pass to pass. A new leader begins without it.

use super::{expectations::Expectations, rounds::Rounds};

/// Shared by all passes of one controller.
#[derive(Default)]
pub struct State {
    /// Changes of main that the cache does not show yet.
    pub expectations: Expectations,
    /// When pods were requested for their summaries.
    pub rounds: Rounds,
}
