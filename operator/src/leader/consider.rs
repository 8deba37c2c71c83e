//! What to do with the Lease, given what it says and for how long it has not changed. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};

use crate::config::LeaderElection;

/// The longest duration of another holder is at least this, in seconds. It is 4 times the default of client-go.
///
/// An honest replica with another configuration renews its Lease every `retrySeconds`, long before this, even with the
/// slowest timing in use (137 s, renewed every 26 s, which `OpenShift` recommends for single nodes).
const LONGEST: u64 = 60;

/// What to do with the Lease.
#[derive(Debug, PartialEq)]
pub enum Move {
    /// Another replica holds it. Without a renewal it ends after this time.
    Wait(Duration),
    /// Write this.
    Write(Box<LeaseSpec>),
}

/// A replica that reads the Lease.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it leads now.
    pub leads: bool,
}

/// The replica that holds the Lease.
pub fn holder(lease: Option<&Lease>) -> Option<&str> {
    lease?.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// How long the Lease of another holder is valid without a renewal.
///
/// The duration in the Lease is only trusted within bounds, because everybody who may edit Leases can write one. It is
/// at least our own `leaseSeconds`: to wait longer than the holder requires is always safe. It is at most 4 times
/// `leaseSeconds`, or 60 s if that is longer.
pub fn trusted(lease: &LeaseSpec, timing: &LeaderElection) -> Duration {
    let own = u64::from(timing.lease_seconds);
    let says = lease.lease_duration_seconds.and_then(|s| u64::try_from(s).ok()).unwrap_or(0);
    Duration::from_secs(says.clamp(own, own.saturating_mul(4).max(LONGEST)))
}

/// What `me` does with the Lease.
pub fn consider(
    lease: Option<&Lease>,
    unchanged: Duration,
    me: Candidate,
    timing: &LeaderElection,
    now: Timestamp,
) -> Move {
    let spec = lease.and_then(|l| l.spec.clone()).unwrap_or_default();
    let holder = holder(lease);
    if holder.is_some_and(|h| h != me.name) {
        let left = trusted(&spec, timing).saturating_sub(unchanged);
        // A leader never takes the Lease back: its caches may be older than the acts of the new leader.
        if me.leads || !left.is_zero() {
            return Move::Wait(left);
        }
    }
    let keeps = holder == Some(me.name);
    let transitions = spec.lease_transitions.unwrap_or(0);
    Move::Write(Box::new(LeaseSpec {
        holder_identity: Some(me.name.to_owned()),
        lease_duration_seconds: i32::try_from(timing.lease_seconds).ok(),
        acquire_time: if keeps { spec.acquire_time } else { Some(MicroTime(now)) },
        renew_time: Some(MicroTime(now)),
        lease_transitions: Some(if keeps || lease.is_none() {
            transitions
        } else {
            transitions.saturating_add(1)
        }),
        ..LeaseSpec::default()
    }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn held_by(holder: &str, seconds: Option<i32>) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: seconds,
            lease_transitions: Some(3),
            ..LeaseSpec::default()
        };
        Lease { spec: Some(spec), ..Lease::default() }
    }

    fn considered(lease: Option<&Lease>, unchanged: u64, leads: bool) -> Move {
        let timing = LeaderElection::default();
        let me = Candidate { name: "me", leads };
        consider(lease, Duration::from_secs(unchanged), me, &timing, Timestamp::UNIX_EPOCH)
    }

    fn waits(seconds: u64) -> Move {
        Move::Wait(Duration::from_secs(seconds))
    }

    fn transitions(step: &Move) -> Option<i32> {
        match step {
            Move::Wait(_) => None,
            Move::Write(spec) => spec.lease_transitions,
        }
    }

    #[rstest]
    #[case::that_its_holder_renewed_now(Some(15), 0, 15)]
    #[case::that_its_holder_may_still_renew(Some(15), 14, 1)]
    #[case::of_a_replica_with_a_longer_one(Some(30), 14, 16)]
    #[case::of_a_replica_with_a_shorter_one(Some(5), 5, 10)]
    #[case::without_a_duration(None, 1, 14)]
    #[case::with_a_negative_duration(Some(-86_400), 1, 14)]
    #[case::with_the_least_duration(Some(i32::MIN), 1, 14)]
    #[case::for_a_day(Some(86_400), 59, 1)]
    #[case::for_ever(Some(i32::MAX), 0, 60)]
    fn a_lease_that_another_replica_may_still_hold_is_left_alone(
        #[case] seconds: Option<i32>,
        #[case] unchanged: u64,
        #[case] left: u64,
    ) {
        assert_eq!(considered(Some(&held_by("other", seconds)), unchanged, false), waits(left));
    }

    #[rstest]
    #[case::nobody_renewed_for_its_duration(Some(15), 15)]
    #[case::nobody_renewed_for_its_longer_duration(Some(30), 30)]
    #[case::has_no_duration(None, 15)]
    #[case::has_a_negative_duration(Some(-1), 15)]
    #[case::claims_a_day(Some(86_400), 60)]
    fn a_lease_that_has_ended_is_taken_and_the_change_counted(
        #[case] seconds: Option<i32>,
        #[case] unchanged: u64,
    ) {
        assert_eq!(transitions(&considered(Some(&held_by("other", seconds)), unchanged, false)), Some(4));
    }

    #[test]
    fn a_replica_with_a_short_lease_waits_as_long_as_one_with_the_default_needs() {
        let timing = LeaderElection {
            lease_seconds: 3,
            renew_seconds: 2,
            retry_seconds: 1,
            ..LeaderElection::default()
        };
        let lease = held_by("other", Some(15)).spec.expect("a spec");
        assert_eq!(trusted(&lease, &timing), Duration::from_secs(15));
    }

    #[test]
    fn a_leader_leaves_a_lease_that_another_replica_took_even_if_it_has_ended() {
        assert_eq!(considered(Some(&held_by("other", Some(15))), 86_400, true), waits(0));
    }

    #[test]
    fn a_renewal_is_not_a_change_of_leader() {
        assert_eq!(transitions(&considered(Some(&held_by("me", Some(15))), 0, true)), Some(3));
    }

    #[test]
    fn a_lease_that_was_released_is_taken_immediately() {
        assert_eq!(transitions(&considered(Some(&held_by("", Some(1))), 0, false)), Some(4));
    }

    #[test]
    fn the_first_replica_makes_the_lease() {
        assert_eq!(transitions(&considered(None, 0, false)), Some(0));
    }

    #[test]
    fn the_greatest_count_of_changes_does_not_overflow() {
        let mut lease = held_by("", None);
        lease.spec.get_or_insert_default().lease_transitions = Some(i32::MAX);
        assert_eq!(transitions(&considered(Some(&lease), 0, false)), Some(i32::MAX));
    }
}
