//! When main's pods are requested for their summaries: every 30 s, independent of the number of passes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Pause between two rounds over the pods of one deployment.
const INTERVAL: Duration = Duration::from_secs(30);
/// Time without a round after which a deployment is forgotten: it was deleted, or has nothing to collect.
const FORGOTTEN: Duration = Duration::from_mins(10);

/// The newest round of each deployment, by its uid.
#[derive(Default)]
pub struct Rounds(Mutex<HashMap<String, Instant>>);

impl Rounds {
    /// Whether a round of the deployment with this uid is due. If so, it counts as started, and the next pass does not
    /// start another one.
    pub fn begins(&self, uid: &str, now: Instant) -> bool {
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rounds.get(uid).is_some_and(|last| now.duration_since(*last) < INTERVAL) {
            return false;
        }
        rounds.retain(|_, last| now.duration_since(*last) < FORGOTTEN);
        rounds.insert(uid.to_owned(), now);
        true
    }

    /// Time until the next round of the deployment with this uid. `None` if one is due now: then it waits for a ready
    /// pod, whose event triggers a pass.
    pub fn due_in(&self, uid: &str, now: Instant) -> Option<Duration> {
        let rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        INTERVAL.checked_sub(now.duration_since(*rounds.get(uid)?)).filter(|wait| !wait.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_requested_at_most_every_thirty_seconds_however_many_passes_run() {
        let rounds = Rounds::default();
        let start = Instant::now();
        let begun = (0..90).filter(|s| rounds.begins("a", start + Duration::from_secs(*s))).count();
        assert_eq!(begun, 3);
        assert!(rounds.begins("b", start), "each deployment has a clock of its own");
    }

    #[test]
    fn the_next_pass_is_when_the_next_round_is_due() {
        let rounds = Rounds::default();
        let start = Instant::now();
        assert_eq!(rounds.due_in("a", start), None);
        rounds.begins("a", start);
        assert_eq!(rounds.due_in("a", start + Duration::from_secs(12)), Some(Duration::from_secs(18)));
        assert_eq!(rounds.due_in("a", start + INTERVAL), None, "it waits for a pod, not for a time");
    }

    #[test]
    fn deleted_deployments_are_forgotten() {
        let rounds = Rounds::default();
        let start = Instant::now();
        for i in 0..100 {
            rounds.begins(&i.to_string(), start);
        }
        rounds.begins("alive", start + FORGOTTEN);
        assert_eq!(rounds.0.lock().expect("no test panics with it").len(), 1);
    }
}
