//! The state that the controller of deployments keeps between passes. A new leader begins without it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{rounds::Rounds, waves::Waves};

/// State shared by all passes of one controller.
pub struct State {
    /// When pods were requested for their summaries.
    pub rounds: Rounds,
    /// When this process began to lead. Deadlines do not count the time before.
    pub leading_since: Timestamp,
    /// Which workloads may roll.
    pub waves: Arc<Waves>,
}

impl State {
    /// The state of a leader that begins at this time.
    pub fn new(leading_since: Timestamp, waves: Arc<Waves>) -> Self {
        Self { rounds: Rounds::default(), leading_since, waves }
    }
}

#[cfg(test)]
impl State {
    /// The state of a test's leader that begins at this time.
    pub fn since(leading_since: Timestamp) -> Self {
        let config = crate::fixtures::parse(serde_json::json!({"serverImage": "understudy-server:1"}));
        Self::new(leading_since, Arc::new(Waves::new(&config)))
    }
}

#[cfg(test)]
impl Default for State {
    fn default() -> Self {
        Self::since(crate::clock::now())
    }
}
