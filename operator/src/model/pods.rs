//! What runs in the pods of the simulation.

use std::sync::Arc;

use serde_json::Value;

use super::objects::{BROKEN, Source, sha256};

/// What runs in a pod, whatever its object says.
#[derive(Clone, Debug)]
pub struct PodFacts {
    pub of: Source,
    pub name: String,
    pub ip: String,
    pub template: Arc<Value>,
    pub ready: bool,
    pub gone: bool,
    /// When it was ready last, in seconds of the world.
    pub last_ready: Option<i64>,
}

impl PodFacts {
    /// Whether its bytes cannot be loaded.
    pub fn is_broken(&self) -> bool {
        self.of.digest >= format!("sha256:{}", sha256(BROKEN))
    }

    /// Whether the pod is ready, or was so at this time or later.
    pub fn was_ready_since(&self, seconds: i64) -> bool {
        self.ready || self.last_ready.is_some_and(|last| last >= seconds)
    }
}
