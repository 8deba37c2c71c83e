//! The state that the controller of deployments keeps between passes. A new leader begins without it.

use super::{expectations::Expectations, rounds::Rounds};

/// State shared by all passes of one controller.
#[derive(Default)]
pub struct State {
    /// Changes of main that the cache does not contain yet.
    pub expectations: Expectations,
    /// When pods were requested for their summaries.
    pub rounds: Rounds,
}
