//! The state that the controller of deployments keeps between passes. A new leader begins without it.

use std::sync::Arc;

use super::{expectations::Expectations, rounds::Rounds, waves::Waves};

/// State shared by all passes of one controller.
pub struct State {
    /// Changes of main that the cache does not contain yet.
    pub expectations: Expectations,
    /// When pods were requested for their summaries.
    pub rounds: Rounds,
    /// Which workloads may roll.
    pub waves: Arc<Waves>,
}

impl State {
    /// Nothing is known yet.
    pub fn new(waves: Arc<Waves>) -> Self {
        Self { expectations: Expectations::default(), rounds: Rounds::default(), waves }
    }
}

#[cfg(test)]
impl Default for State {
    fn default() -> Self {
        let config = crate::fixtures::parse(serde_json::json!({"serverImage": "understudy-server:1"}));
        Self::new(Arc::new(Waves::new(&config)))
    }
}
