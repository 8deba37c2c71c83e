//! The state that the controller of deployments keeps between passes. A new leader begins without it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{expectations::Expectations, rounds::Rounds, waves::Waves};
use crate::clock;

/// State shared by all passes of one controller.
pub struct State {
    /// Changes of main that the cache does not contain yet.
    pub expectations: Expectations,
    /// When pods were requested for their summaries.
    pub rounds: Rounds,
    /// Which workloads may roll.
    pub waves: Arc<Waves>,
    /// When this process began to lead. Deadlines do not count the time before.
    pub leading_since: Timestamp,
}

impl State {
    /// The state of a leader that begins now.
    pub fn new(waves: Arc<Waves>) -> Self {
        Self {
            expectations: Expectations::default(),
            rounds: Rounds::default(),
            waves,
            leading_since: clock::now(),
        }
    }
}

#[cfg(test)]
impl State {
    /// The state of a leader that began at this time.
    pub fn since(leading_since: Timestamp) -> Self {
        Self { leading_since, ..Self::default() }
    }
}

#[cfg(test)]
impl Default for State {
    fn default() -> Self {
        let config = crate::fixtures::parse(serde_json::json!({"serverImage": "understudy-server:1"}));
        Self::new(Arc::new(Waves::new(&config)))
    }
}
