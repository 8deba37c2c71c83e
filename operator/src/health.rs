//! Whether this replica makes progress. `/livez` and `/readyz` answer from here.
//!
//! A replica that does not lead has nothing to do. One that leads must have filled its caches, must hear its watches, and
//! its queues must move.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::cluster::{cache::Cache, client::Heard, queue::QueueState, triggers::Triggers};

/// Time for the first list of all kinds, before this replica counts as stuck.
const FILLING: Duration = Duration::from_mins(2);
/// Silence of a watch before this replica counts as deaf: three times the silence after which a watch is opened again.
const DEAF: Duration = Duration::from_mins(5);
/// Time without the end of any pass while objects wait, or of one pass, after which a queue counts as stuck. A pass ends
/// after a minute. How long one object waits does not count: there may be much to do.
const STUCK: Duration = Duration::from_mins(3);

/// What a leader works with.
struct Leading {
    since: Instant,
    scopes: Vec<(Cache, Triggers)>,
}

/// The health of this replica. Clones share the state.
#[derive(Clone, Default)]
pub struct Health {
    /// What the API server was last heard about.
    pub heard: Heard,
    started: Arc<Mutex<Started>>,
}

#[derive(Default)]
struct Started {
    contact: bool,
    stops: bool,
    leading: Option<Leading>,
}

impl Health {
    fn with<T>(&self, f: impl FnOnce(&mut Started) -> T) -> T {
        f(&mut self.started.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The API server has answered.
    pub fn has_contact(&self) {
        self.with(|started| started.contact = true);
    }

    /// The process ends.
    pub fn stops(&self) {
        self.with(|started| started.stops = true);
    }

    /// This replica leads, with these caches and queues.
    pub fn leads(&self, scopes: Vec<(Cache, Triggers)>) {
        self.with(|started| started.leading = Some(Leading { since: Instant::now(), scopes }));
    }

    /// Why this replica is not ready, for people. `None` if it is.
    pub fn not_ready(&self) -> Option<String> {
        self.with(|started| {
            if started.stops {
                return Some("the operator is shutting down".to_owned());
            }
            if !started.contact {
                return Some("the API server has not answered yet".to_owned());
            }
            let unfilled = started.leading.as_ref().map(Leading::unfilled).unwrap_or_default();
            (!unfilled.is_empty()).then(|| not_filled(&unfilled))
        })
    }

    /// Why this replica makes no progress, for people. `None` if it makes progress.
    pub fn not_live(&self) -> Option<String> {
        let silence = self.heard.silence();
        self.with(|started| {
            let leading = started.leading.as_ref()?;
            let unfilled = leading.unfilled();
            if !unfilled.is_empty() {
                let age = leading.since.elapsed();
                return (age > FILLING)
                    .then(|| format!("{} after {} s of leading", not_filled(&unfilled), age.as_secs()));
            }
            if let Some((kind, silence)) = silence.iter().find(|(_, silence)| **silence > DEAF) {
                return Some(format!("the watch of {kind} has been silent for {} s", silence.as_secs()));
            }
            leading.scopes.iter().find_map(|(_, triggers)| {
                [
                    ("modeldeployment", triggers.deployments.state()),
                    ("modelversion", triggers.versions.state()),
                ]
                .into_iter()
                .find_map(|(name, state)| stuck(name, &state))
            })
        })
    }
}

impl Leading {
    fn unfilled(&self) -> Vec<String> {
        let states = self.scopes.iter().flat_map(|(cache, _)| cache.sync_state());
        let mut kinds: Vec<String> = states.filter(|(_, synced)| !synced).map(|(kind, _)| kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }
}

fn not_filled(kinds: &[String]) -> String {
    format!("the caches of {} are not filled", kinds.join(", "))
}

/// Why a queue does not move. Pure.
fn stuck(name: &str, state: &QueueState) -> Option<String> {
    if state.longest_running > STUCK {
        let seconds = state.longest_running.as_secs();
        return Some(format!("a pass of {name} has run for {seconds} s"));
    }
    (state.oldest > STUCK && state.still > STUCK).then(|| {
        let (depth, seconds) = (state.depth, state.still.as_secs());
        format!("{depth} objects wait for a pass of {name}, and no pass has ended for {seconds} s")
    })
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
