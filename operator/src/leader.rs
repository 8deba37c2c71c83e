//! Leader election by one Lease. Each write of the Lease has the resourceVersion that was read as its precondition.
//!
//! A Lease does not stop a leader that was paused: it may still write for a moment. Therefore a leader stops before its
//! Lease ends, and every write that cannot be undone has a precondition of its own.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use rand::RngExt as _;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::config::LeaderElection;

/// This replica no longer leads, and its process must end.
#[derive(Debug, thiserror::Error)]
#[error("lost the Lease {lease}: it was not renewed for {seconds} s")]
pub struct Lost {
    lease: String,
    seconds: u32,
}

/// One candidate for the Lease.
pub struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    timing: LeaderElection,
    /// The resourceVersion of the Lease, and when it was first seen by the clock of this machine. The clock of the
    /// holder may differ, so its times are not used.
    observed: Option<(String, Instant)>,
}

/// What to do with the Lease.
#[derive(Debug, PartialEq)]
enum Move {
    Wait,
    Write(LeaseSpec),
}

impl Elector {
    /// A candidate with the name `identity` for the Lease in `namespace`.
    pub fn new(client: Client, namespace: &str, identity: &str, timing: LeaderElection) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: timing.lease_name.clone(),
            identity: identity.to_owned(),
            timing,
            observed: None,
        }
    }

    /// Waits until this replica holds the Lease.
    pub async fn acquire(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => {
                    info!(lease = self.name, identity = self.identity, "leading");
                    return;
                }
                Ok(false) => {}
                Err(error) => warn!(lease = self.name, %error, "failed to acquire the Lease, trying again"),
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Renews the Lease until that fails, and returns that it was lost.
    pub async fn renew(&mut self) -> Lost {
        let patience = Duration::from_secs(self.timing.renew_seconds.into());
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.pause()).await;
            let left = patience.saturating_sub(renewed.elapsed());
            match timeout(left, self.attempt()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => return self.lost(),
                Ok(Err(error)) => warn!(lease = self.name, %error, "failed to renew the Lease, trying again"),
                Err(_elapsed) => return self.lost(),
            }
        }
    }

    /// Releases the Lease, so that the next replica does not have to wait until it ends.
    pub async fn release(&mut self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name).await else { return };
        let Some(spec) = lease.spec.as_mut().filter(|s| s.holder_identity.as_deref() == Some(&self.identity))
        else {
            return;
        };
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        if let Err(error) = self.api.replace(&self.name, &PostParams::default(), &lease).await {
            warn!(lease = self.name, %error, "failed to release the Lease, it expires");
        }
    }

    fn lost(&self) -> Lost {
        Lost { lease: self.name.clone(), seconds: self.timing.renew_seconds }
    }

    /// The pause between two attempts, with up to 20 % jitter, so that replicas do not write at the same moment.
    fn pause(&self) -> Duration {
        Duration::from_secs(self.timing.retry_seconds.into()).mul_f64(rand::rng().random_range(1.0..1.2))
    }

    /// Acquires or renews the Lease if it is free or held by this replica. Returns whether this replica holds it.
    async fn attempt(&mut self) -> kube::Result<bool> {
        let found = self.api.get_opt(&self.name).await?;
        let seen_for = self.observe(found.as_ref());
        let spec = match consider(found.as_ref(), seen_for, &self.identity, &self.timing, Timestamp::now()) {
            Move::Wait => return Ok(false),
            Move::Write(spec) => spec,
        };
        let written = match found {
            None => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.api.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await
            }
            // The resourceVersion is the one that was read: of two candidates, one gets a conflict.
            Some(lease) => {
                let lease = Lease { spec: Some(spec), ..lease };
                self.api.replace(&self.name, &PostParams::default(), &lease).await
            }
        };
        match written {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How long the Lease has not changed.
    fn observe(&mut self, lease: Option<&Lease>) -> Duration {
        let version = lease.and_then(|l| l.metadata.resource_version.clone()).unwrap_or_default();
        match &self.observed {
            Some((known, since)) if *known == version => since.elapsed(),
            _ => {
                self.observed = Some((version, Instant::now()));
                Duration::ZERO
            }
        }
    }
}

/// What to write, given the Lease and how long it has not changed. Pure.
fn consider(
    lease: Option<&Lease>,
    unchanged: Duration,
    me: &str,
    timing: &LeaderElection,
    now: Timestamp,
) -> Move {
    let spec = lease.and_then(|l| l.spec.clone()).unwrap_or_default();
    let holder = spec.holder_identity.as_deref().filter(|h| !h.is_empty());
    let lasts = Duration::from_secs(u64::try_from(spec.lease_duration_seconds.unwrap_or(0)).unwrap_or(0));
    if holder.is_some_and(|h| h != me) && unchanged < lasts {
        return Move::Wait;
    }
    let keeps = holder == Some(me);
    let transitions = spec.lease_transitions.unwrap_or(0);
    Move::Write(LeaseSpec {
        holder_identity: Some(me.to_owned()),
        lease_duration_seconds: i32::try_from(timing.lease_seconds).ok(),
        acquire_time: if keeps { spec.acquire_time } else { Some(MicroTime(now)) },
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if keeps || lease.is_none() { transitions } else { transitions + 1 }),
        ..LeaseSpec::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by(holder: &str) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        };
        Lease { spec: Some(spec), ..Lease::default() }
    }

    fn considered(lease: Option<&Lease>, unchanged: u64) -> Move {
        let timing = LeaderElection::default();
        consider(lease, Duration::from_secs(unchanged), "me", &timing, Timestamp::UNIX_EPOCH)
    }

    fn transitions(step: &Move) -> Option<i32> {
        match step {
            Move::Wait => None,
            Move::Write(spec) => spec.lease_transitions,
        }
    }

    #[test]
    fn a_lease_that_its_holder_keeps_renewing_is_left_alone() {
        assert_eq!(considered(Some(&held_by("other")), 14), Move::Wait);
    }

    #[test]
    fn a_lease_that_nobody_renewed_for_its_duration_is_taken_and_the_change_counted() {
        assert_eq!(transitions(&considered(Some(&held_by("other")), 15)), Some(4));
    }

    #[test]
    fn a_renewal_is_not_a_change_of_leader() {
        assert_eq!(transitions(&considered(Some(&held_by("me")), 0)), Some(3));
    }

    #[test]
    fn a_lease_that_was_released_is_taken_immediately() {
        assert_eq!(transitions(&considered(Some(&held_by("")), 0)), Some(4));
    }

    #[test]
    fn the_first_replica_makes_the_lease() {
        assert_eq!(transitions(&considered(None, 0)), Some(0));
    }
}
