//! How long calls took, in buckets of a fixed layout, so that the counts of pods can be added up and quantiles be read
//! off the sum.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::real::real;

/// Below 1.024 us there is one bucket.
const FIRST_OCTAVE: u32 = 10;
/// From 68.7 s on there is one bucket.
const END_OCTAVE: u32 = 36;
/// Each doubling of time is cut into so many buckets of the same width, hence of 3 to 6 % of the time itself.
const PARTS: u32 = 16;
const PARTS_LOG2: u32 = 4;
const BUCKETS: usize = 2 + ((END_OCTAVE - FIRST_OCTAVE) * PARTS) as usize;

/// Times from 1 us to 68 s in 418 buckets, each at most 6.25 % wide: 3.3 kB whatever is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latencies {
    counts: Box<[u64]>,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS].into() }
    }
}

impl Latencies {
    /// Counts one time.
    pub fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let count = &mut self.counts[bucket(nanos)];
        *count = count.saturating_add(1);
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// Times counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The time that the share `q` of all times does not exceed: 0.5 for the median. Within its bucket it is put where
    /// it would be if the bucket's times lay evenly. None where nothing was counted.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 || q.is_nan() {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * real(count)).max(1.0);
        let mut below = 0.0;
        for (index, held) in self.counts.iter().enumerate().filter(|(_, held)| **held > 0) {
            let held = real(*held);
            if below + held >= rank || below + held >= real(count) {
                let (from, to) = (start(index), start(index + 1));
                // The middle of the rank's own share of the bucket: a single time is in the middle of its bucket.
                let within = ((rank - below - 0.5) / held).clamp(0.0, 1.0);
                return Some(Duration::from_secs_f64((from + (to - from) * within) / 1e9));
            }
            below += held;
        }
        None
    }
}

/// The bucket of a time.
fn bucket(nanos: u64) -> usize {
    let octave = nanos.max(1).ilog2();
    if octave < FIRST_OCTAVE {
        return 0;
    }
    if octave >= END_OCTAVE {
        return BUCKETS - 1;
    }
    // The four bits after the leading one.
    let part = (nanos >> (octave - PARTS_LOG2)) - u64::from(PARTS);
    1 + ((octave - FIRST_OCTAVE) * PARTS) as usize + usize::try_from(part).unwrap_or_default()
}

/// Where a bucket begins, in nanoseconds. The last one, which has no end, ends where it begins.
fn start(index: usize) -> f64 {
    let Some(inner) = index.checked_sub(1) else { return 0.0 };
    let inner = u32::try_from(inner.min(BUCKETS - 2)).unwrap_or(u32::MAX);
    let octave = f64::from(2_u32).powi(i32::try_from(FIRST_OCTAVE + inner / PARTS).unwrap_or(i32::MAX));
    octave * (1.0 + f64::from(inner % PARTS) / f64::from(PARTS))
}

/// Pairs of bucket and count, of the buckets that hold any.
impl Serialize for Latencies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.counts.iter().enumerate().filter(|(_, count)| **count > 0))
    }
}

impl<'de> Deserialize<'de> for Latencies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut latencies = Self::default();
        for (index, count) in Vec::<(usize, u64)>::deserialize(deserializer)? {
            let held = &mut latencies.counts[index.min(BUCKETS - 1)];
            *held = held.saturating_add(count);
        }
        Ok(latencies)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{BUCKETS, Latencies, bucket, start};
    use crate::real::real;

    fn of(nanos: &[u64]) -> Latencies {
        let mut latencies = Latencies::default();
        for nanos in nanos {
            latencies.record(Duration::from_nanos(*nanos));
        }
        latencies
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(of(&[]).quantile(0.5), None);
        assert_eq!(of(&[5000]).quantile(f64::NAN), None);
    }

    #[test]
    fn every_bucket_begins_where_the_one_before_ends() {
        for index in 1..BUCKETS {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and positive")]
            let from = start(index) as u64;
            assert_eq!(bucket(from), index);
            assert_eq!(bucket(from - 1), index - 1);
        }
    }

    #[test]
    fn the_shortest_and_the_longest_times_are_counted_too() {
        let latencies = of(&[0, u64::MAX]);
        assert_eq!(latencies.count(), 2);
        assert!(latencies.quantile(0.0) < Some(Duration::from_nanos(1024)));
        assert!(latencies.quantile(1.0) > Some(Duration::from_mins(1)));
    }

    #[test]
    fn only_the_buckets_that_hold_something_are_sent() {
        let json = serde_json::to_string(&of(&[5000, 5001, 90_000_000])).expect("it is plain data");
        assert_eq!(json, "[[36,2],[262,1]]");
    }

    #[test]
    fn a_bucket_that_is_not_known_here_is_taken_for_the_longest() {
        let read: Latencies = serde_json::from_str("[[100000,3]]").expect("it is well formed");
        assert_eq!(read.count(), 3);
    }

    proptest! {
        #[test]
        fn a_quantile_is_within_a_bucket_of_the_true_one(
            mut nanos in prop::collection::vec(2_000_u64..60_000_000_000, 1..200),
            q in 0.01_f64..1.0,
        ) {
            let estimated = of(&nanos).quantile(q).expect("there are times").as_secs_f64() * 1e9;
            nanos.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
            let rank = ((q * real(nanos.len() as u64)).ceil() as usize).clamp(1, nanos.len());
            let truth = real(nanos[rank - 1]);
            prop_assert!((estimated / truth - 1.0).abs() < 0.0626, "{estimated} {truth}");
        }

        #[test]
        fn two_pods_together_are_one_that_saw_all(
            one in prop::collection::vec(any::<u64>(), 0..50),
            two in prop::collection::vec(any::<u64>(), 0..50),
        ) {
            let mut merged = of(&one);
            merged.merge(&of(&two));
            prop_assert_eq!(&merged, &of(&[one, two].concat()));
            let json = serde_json::to_string(&merged).expect("it is plain data");
            prop_assert_eq!(serde_json::from_str::<Latencies>(&json).expect("it was just written"), merged);
        }
    }
}
