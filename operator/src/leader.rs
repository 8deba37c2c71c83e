//! Which replica works: one Lease, taken only with the resourceVersion that was read.
//!
//! A lease is no fence: a leader that was paused may still write for a moment. So it gives up before its lease ends,
//! and every write that cannot be undone carries a precondition of its own.

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

/// This replica no longer leads and must end.
#[derive(Debug, thiserror::Error)]
#[error("the lease {lease} was lost: not renewed for {seconds} s")]
pub struct Lost {
    lease: String,
    seconds: u32,
}

/// One candidate for the lease.
pub struct Elector {
    api: Api<Lease>,
    name: String,
    identity: String,
    timing: LeaderElection,
    /// The lease as it was last seen with another holder, and since when by this machine's clock: another
    /// machine's clock is not trusted.
    observed: Option<(String, Instant)>,
}

/// What to do about the lease.
#[derive(Debug, PartialEq)]
enum Move {
    Wait,
    Write(LeaseSpec),
}

impl Elector {
    /// A candidate called `identity` for the lease in `namespace`.
    pub fn new(client: Client, namespace: &str, identity: &str, timing: LeaderElection) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            name: timing.lease_name.clone(),
            identity: identity.to_owned(),
            timing,
            observed: None,
        }
    }

    /// Waits until this replica holds the lease.
    pub async fn acquire(&mut self) {
        loop {
            match self.attempt().await {
                Ok(true) => {
                    info!(lease = self.name, identity = self.identity, "leading");
                    return;
                }
                Ok(false) => {}
                Err(error) => warn!(lease = self.name, %error, "failed to take the lease, trying again"),
            }
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Renews the lease for as long as that works; the answer is that it was lost.
    pub async fn renew(&mut self) -> Lost {
        let patience = Duration::from_secs(self.timing.renew_seconds.into());
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.pause()).await;
            let left = patience.saturating_sub(renewed.elapsed());
            match timeout(left, self.attempt()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => return self.lost(),
                Ok(Err(error)) => warn!(lease = self.name, %error, "failed to renew the lease, trying again"),
                Err(_elapsed) => return self.lost(),
            }
        }
    }

    /// Gives the lease back, so that the next replica need not wait for its end.
    pub async fn release(&mut self) {
        let Ok(Some(mut lease)) = self.api.get_opt(&self.name).await else { return };
        let Some(spec) = lease.spec.as_mut().filter(|s| s.holder_identity.as_deref() == Some(&self.identity))
        else {
            return;
        };
        spec.holder_identity = None;
        spec.lease_duration_seconds = Some(1);
        if let Err(error) = self.api.replace(&self.name, &PostParams::default(), &lease).await {
            warn!(lease = self.name, %error, "failed to give the lease back; it ends by itself");
        }
    }

    fn lost(&self) -> Lost {
        Lost { lease: self.name.clone(), seconds: self.timing.renew_seconds }
    }

    /// The pause between two tries, up to a fifth longer by chance so that replicas do not knock together.
    fn pause(&self) -> Duration {
        Duration::from_secs(self.timing.retry_seconds.into()).mul_f64(rand::rng().random_range(1.0..1.2))
    }

    /// Takes or renews the lease if that may be; says whether this replica holds it.
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
            // The resourceVersion that was read goes with it: of two takers, one gets a conflict.
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

    /// For how long the lease has been exactly as it is now.
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

/// The pure part: what to write, given the lease and for how long nobody has touched it.
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
