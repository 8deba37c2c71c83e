//! Leader election by one Lease. Each write of the Lease has the resourceVersion that was read as its precondition.
//!
//! A Lease does not stop a leader that was paused: it may still write for a moment. Therefore a leader stops before its
//! Lease ends, and every write that cannot be undone has a precondition of its own.

mod consider;

use std::time::Duration;

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
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{info, warn};

use self::consider::{Candidate, Move, consider, holder, trusted};
use crate::{config::LeaderElection, error_chain::chain};

/// Attempts that fit into `renewSeconds`, so that one dead connection does not end the leader.
const ATTEMPTS: u32 = 2;

/// This replica no longer leads, and its process must end.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("lost the Lease {lease}: it was not renewed for {seconds} s")]
    NotRenewed { lease: String, seconds: u32 },
    #[error("lost the Lease {lease}: {holder} holds it")]
    Taken { lease: String, holder: String },
}

/// An attempt to acquire or renew the Lease failed. It may still have been written.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to read or write the Lease")]
    Request(#[source] Box<kube::Error>),
    #[error("failed to get an answer about the Lease within {0:?}")]
    NoAnswer(Duration),
}

/// What an attempt found.
enum Found {
    /// This replica holds the Lease, and has renewed it now.
    Ours,
    /// Another replica holds it. Without a renewal it ends after `left`.
    Theirs { holder: String, left: Duration },
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
    /// Whether this process has tried to write the Lease. Before that, a Lease in its name is that of an earlier process.
    wrote: bool,
    /// When the holder before this process renewed the Lease last, by the clock of that holder.
    previous_renewal: Option<Timestamp>,
    /// The holder and the duration of the Lease about which a warning was logged.
    warned: Option<(String, Option<i32>)>,
    /// When the last write of the Lease that had an effect began.
    renewed: Instant,
    /// The time in the last write, and when that write began. Its answer may have been lost.
    written: Option<(MicroTime, Instant)>,
    /// The Lease as the API server returned it for the last write.
    held: Option<Lease>,
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
            wrote: false,
            previous_renewal: None,
            warned: None,
            renewed: Instant::now(),
            written: None,
            held: None,
        }
    }

    /// Waits until this replica holds the Lease. Returns when the holder before this process renewed it last, by the
    /// clock of that holder. `None`: the Lease did not exist.
    pub async fn acquire(&mut self) -> Option<Timestamp> {
        // After a failure, the next attempt may take longer: the API server may answer late.
        let mut deadlines = 1;
        loop {
            let mut pause = self.pause();
            match self.attempt(false, self.deadline() * deadlines).await {
                Ok(Found::Ours) => {
                    info!(lease = self.name, identity = self.identity, "leading");
                    return self.previous_renewal;
                }
                Ok(Found::Theirs { left, .. }) => {
                    deadlines = 1;
                    // The next attempt is not later than the end of the Lease.
                    pause = pause.min(left);
                }
                Err(error) => {
                    deadlines = (deadlines + 1).min(ATTEMPTS);
                    warn!(
                        lease = self.name,
                        error = chain(&error),
                        "failed to acquire the Lease, trying again"
                    );
                }
            }
            sleep(pause).await;
        }
    }

    /// Renews the Lease until another replica holds it, or until no renewal has succeeded for `renewSeconds`.
    ///
    /// A failed attempt alone does not end the leader. Its write may have had an effect: the next attempt reads what the
    /// Lease says.
    pub async fn renew(&mut self) -> Lost {
        let patience = Duration::from_secs(self.timing.renew_seconds.into());
        let mut began = Instant::now();
        loop {
            // An attempt that took longer than the pause is followed by the next one without a pause.
            sleep_until(began + self.pause()).await;
            began = Instant::now();
            let left = patience.saturating_sub(self.renewed.elapsed());
            if left.is_zero() {
                return self.not_renewed();
            }
            match timeout(left, self.attempt(true, self.deadline())).await {
                Ok(Ok(Found::Ours)) => {}
                Ok(Ok(Found::Theirs { holder, .. })) => {
                    return Lost::Taken { lease: self.name.clone(), holder };
                }
                Ok(Err(error)) => {
                    warn!(
                        lease = self.name,
                        error = chain(&error),
                        "failed to renew the Lease, trying again"
                    );
                }
                // This attempt may have read that an earlier write had an effect.
                Err(_elapsed) if self.renewed.elapsed() < patience => {}
                Err(_elapsed) => return self.not_renewed(),
            }
        }
    }

    /// Releases the Lease, so that the next replica does not have to wait until it ends.
    pub async fn release(&mut self) {
        let released = timeout(self.deadline(), async {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else { return Ok(()) };
            let Some(spec) =
                lease.spec.as_mut().filter(|s| s.holder_identity.as_deref() == Some(&self.identity))
            else {
                return Ok(());
            };
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
            self.api.replace(&self.name, &PostParams::default(), &lease).await.map(|_| ())
        });
        let error = match released.await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => Error::Request(Box::new(error)),
            Err(_elapsed) => Error::NoAnswer(self.deadline()),
        };
        warn!(lease = self.name, error = chain(&error), "failed to release the Lease, it expires");
    }

    fn not_renewed(&self) -> Lost {
        Lost::NotRenewed { lease: self.name.clone(), seconds: self.timing.renew_seconds }
    }

    /// The pause between the beginnings of two attempts, with up to 20 % jitter, so that replicas do not write at the
    /// same moment.
    fn pause(&self) -> Duration {
        Duration::from_secs(self.timing.retry_seconds.into()).mul_f64(rand::rng().random_range(1.0..1.2))
    }

    /// How long one attempt to renew may take, and the first one to acquire.
    fn deadline(&self) -> Duration {
        Duration::from_secs(self.timing.renew_seconds.into()) / ATTEMPTS
    }

    /// Acquires or renews the Lease if it is free or held by this replica.
    async fn attempt(&mut self, leads: bool, deadline: Duration) -> Result<Found, Error> {
        let attempt = async {
            let first = match self.held.take() {
                // A renewal is one request while nobody else writes. So an API server that is slow has time to answer it.
                Some(held) => self.write(Some(held), leads).await,
                None => self.read_and_write(leads).await,
            };
            match first {
                // Another write came in between. Only what the Lease says now counts.
                Err(kube::Error::Api(status))
                    if status.is_conflict() || status.is_already_exists() || status.is_not_found() =>
                {
                    self.read_and_write(leads).await
                }
                result => result,
            }
        };
        match timeout(deadline, attempt).await {
            Ok(result) => result.map_err(|source| Error::Request(Box::new(source))),
            Err(_elapsed) => Err(Error::NoAnswer(deadline)),
        }
    }

    async fn read_and_write(&mut self, leads: bool) -> kube::Result<Found> {
        let lease = self.api.get_opt(&self.name).await?;
        self.write(lease, leads).await
    }

    /// Writes the Lease if it is free or held by this replica. `lease` is how it was read or written last.
    async fn write(&mut self, lease: Option<Lease>, leads: bool) -> kube::Result<Found> {
        let unchanged = self.observe(lease.as_ref());
        let me = Candidate { name: &self.identity, leads };
        let spec = match consider(lease.as_ref(), unchanged, me, &self.timing, Timestamp::now()) {
            Move::Wait(left) => {
                let holder = holder(lease.as_ref()).unwrap_or_default().to_owned();
                self.warn_about(&holder, &lease.and_then(|l| l.spec).unwrap_or_default());
                return Ok(Found::Theirs { holder, left });
            }
            Move::Write(spec) => *spec,
        };
        self.wrote = true;
        let began = Instant::now();
        self.written = spec.renew_time.clone().map(|at| (at, began));
        let written = match lease {
            None => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.api.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await?
            }
            // The resourceVersion is the one that was read: of two candidates, one gets a conflict.
            Some(lease) => {
                let lease = Lease { spec: Some(spec), ..lease };
                self.api.replace(&self.name, &PostParams::default(), &lease).await?
            }
        };
        self.renewed = began;
        // Without a resourceVersion, the next write would have no precondition.
        self.held = Some(written).filter(|lease| lease.metadata.resource_version.is_some());
        Ok(Found::Ours)
    }

    /// How long the Lease has not changed.
    fn observe(&mut self, lease: Option<&Lease>) -> Duration {
        let renewal = lease.and_then(|l| l.spec.as_ref()).and_then(|s| s.renew_time.as_ref());
        // After a write whose answer was lost, the Lease may have the time of this process.
        if holder(lease) != Some(&self.identity) || !self.wrote {
            self.previous_renewal = renewal.map(|at| at.0).or(self.previous_renewal);
        }
        // A write whose answer was lost is a renewal, too.
        if let Some((at, began)) = self.written.take()
            && holder(lease) == Some(&self.identity)
            && renewal.is_some_and(|found| found.0.as_microsecond() == at.0.as_microsecond())
        {
            self.renewed = began;
        }
        let version = lease.and_then(|l| l.metadata.resource_version.clone()).unwrap_or_default();
        match &self.observed {
            Some((known, since)) if *known == version => since.elapsed(),
            _ => {
                self.observed = Some((version, Instant::now()));
                Duration::ZERO
            }
        }
    }

    /// Warns once if the duration of another holder is out of bounds: that holder is probably not a replica of this
    /// operator.
    fn warn_about(&mut self, holder: &str, lease: &LeaseSpec) {
        let says = lease.lease_duration_seconds;
        let trusted = trusted(lease, &self.timing).as_secs();
        let about = Some((holder.to_owned(), says));
        if says.and_then(|s| u64::try_from(s).ok()) != Some(trusted) && self.warned != about {
            warn!(
                lease = self.name,
                holder,
                lease_duration_seconds = says,
                used_seconds = trusted,
                "the duration of the Lease is out of bounds and another one is used: \
                 check whether its holder is a replica of this operator"
            );
            self.warned = about;
        }
    }
}

#[cfg(test)]
mod scenario_tests;
