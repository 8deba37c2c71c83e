//! Latencies of calls, counted in fixed buckets. The counts of pods can be added, and quantiles computed from the sum.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{interval::Z, real::real};

/// All times below 2^10 ns (1.024 us) are in one bucket.
const FIRST_OCTAVE: u32 = 10;
/// All times of 2^36 ns (68.7 s) and more are in one bucket.
const END_OCTAVE: u32 = 36;
/// Buckets of equal width in each doubling of time. A bucket's width is 3 to 6 % of its time.
const PARTS: u32 = 16;
const PARTS_LOG2: u32 = 4;
const BUCKETS: usize = 2 + ((END_OCTAVE - FIRST_OCTAVE) * PARTS) as usize;

/// A quantile of times, with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantile {
    /// The quantile of the sample.
    pub value: Duration,
    /// Lower end of the interval.
    pub low: Duration,
    /// Upper end of the interval. `None` if the sample does not limit it.
    pub high: Option<Duration>,
    /// Whether the quantile is at least `value`: it is among the times that nobody waited for.
    pub at_least: bool,
}

/// Times from 1 us to 68 s in 418 buckets, each at most 6.25 % wide. The size is always 3.3 kB.
///
/// Serialized as a list of pairs `[bucket, count]`, without empty buckets.
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

    /// Adds the counts of another pod.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// The number of counted times.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The quantile `q` of the times: 0.5 is the median. `None` if nothing is counted.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Quantile> {
        self.quantile_with(&Self::default(), q)
    }

    /// The quantile `q` of these times and of others that took at least as long as `waits`: whoever counted them has not
    /// waited any longer. `None` if nothing is counted.
    ///
    /// The interval has the times of two ranks, which have the quantile between them in 95 of 100 samples, whatever the
    /// distribution of times is (order statistics, see G. J. Hahn and W. Q. Meeker, Statistical Intervals, 1991, 5.2). It
    /// needs about 400 times for the upper end of the quantile 0.99.
    #[must_use]
    pub fn quantile_with(&self, waits: &Self, q: f64) -> Option<Quantile> {
        let mut all = self.clone();
        all.merge(waits);
        let n = real(all.count());
        if n == 0.0 || q.is_nan() {
            return None;
        }
        let q = q.clamp(0.0, 1.0);
        let (middle, half) = (q * n, Z * (n * q * (1.0 - q)).sqrt());
        let (low, high) = ((middle - half + 0.5).round(), (middle + half + 0.5).round());
        let first_wait = waits.counts.iter().position(|count| *count > 0);
        let is_known = |(index, _): &(usize, Duration)| first_wait.is_none_or(|first| *index < first);
        let (index, value) = all.at_rank(middle.max(1.0))?;
        Some(Quantile {
            value,
            low: all.at_rank(low.max(1.0)).map_or(value, |(_, low)| low),
            high: all.at_rank(high).filter(is_known).map(|(_, high)| high),
            at_least: !is_known(&(index, value)),
        })
    }

    /// The time at this rank, of which the shortest has 1, and its bucket. Interpolates in the bucket as if its times were
    /// evenly distributed. `None` beyond the last time.
    fn at_rank(&self, rank: f64) -> Option<(usize, Duration)> {
        let mut below = 0.0;
        for (index, held) in self.counts.iter().enumerate().filter(|(_, held)| **held > 0) {
            let held = real(*held);
            if below + held >= rank {
                let (from, to) = (start(index), start(index + 1));
                // The middle of this rank's part of the bucket, so that a single time is in the middle of its bucket.
                let within = ((rank - below - 0.5) / held).clamp(0.0, 1.0);
                return Some((index, Duration::from_secs_f64((from + (to - from) * within) / 1e9)));
            }
            below += held;
        }
        None
    }
}

/// The index of the bucket of a time.
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

/// Where a bucket begins, in nanoseconds. The last bucket has no end, and ends where it begins.
fn start(index: usize) -> f64 {
    let Some(inner) = index.checked_sub(1) else { return 0.0 };
    let inner = u32::try_from(inner.min(BUCKETS - 2)).unwrap_or(u32::MAX);
    let octave = f64::from(2_u32).powi(i32::try_from(FIRST_OCTAVE + inner / PARTS).unwrap_or(i32::MAX));
    octave * (1.0 + f64::from(inner % PARTS) / f64::from(PARTS))
}

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
    fn no_times_have_no_quantile() {
        assert_eq!(of(&[]).quantile(0.5), None);
        assert_eq!(of(&[5000]).quantile(f64::NAN), None);
    }

    #[test]
    fn every_bucket_begins_at_the_end_of_the_previous_one() {
        for index in 1..BUCKETS {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and positive")]
            let from = start(index) as u64;
            assert_eq!(bucket(from), index);
            assert_eq!(bucket(from - 1), index - 1);
        }
    }

    #[test]
    fn times_below_and_above_the_range_are_counted() {
        let latencies = of(&[0, u64::MAX]);
        assert_eq!(latencies.count(), 2);
        assert!(latencies.quantile(0.0).is_some_and(|least| least.value < Duration::from_nanos(1024)));
        assert!(latencies.quantile(1.0).is_some_and(|most| most.value > Duration::from_mins(1)));
    }

    // One of ten copies is not answered within 200 ms: the quantile 0.99 of the others alone would be 1 ms.
    #[test]
    fn a_quantile_among_the_times_that_nobody_waited_for_is_at_least_the_wait() {
        let times = of(&[1_000_000; 900]);
        let waits = of(&[200_000_000; 100]);
        let found = times.quantile_with(&waits, 0.99).expect("there are times");
        assert!(found.at_least && found.high.is_none(), "{found:?}");
        assert!((0.19..0.21).contains(&found.value.as_secs_f64()), "{found:?}");
        let median = times.quantile_with(&waits, 0.5).expect("there are times");
        assert!(!median.at_least && median.high.is_some(), "{median:?}");
        // A longer time that was measured says nothing about a shorter wait.
        let slow = of(&[300_000_000; 900]).quantile_with(&waits, 0.99).expect("there are times");
        assert!(slow.at_least, "{slow:?}");
    }

    // scipy 1.17.1: stats.binom.interval(.95, 1000, .99) = (984, 996); the ranks here are 984 and 997, of times from 1 to
    // 1,000 ms.
    #[test]
    fn the_interval_of_a_quantile_is_between_two_ranks() {
        let millis: Vec<u64> = (1..=1_000).map(|millis| millis * 1_000_000).collect();
        let found = of(&millis).quantile(0.99).expect("there are times");
        let seconds = |at: Duration| at.as_secs_f64();
        assert!((0.96..0.99).contains(&seconds(found.low)), "{found:?}");
        assert!(found.high.is_some_and(|high| (0.99..1.03).contains(&seconds(high))), "{found:?}");
        assert_eq!(of(&millis[..100]).quantile(0.99).expect("there are times").high, None);
    }

    #[test]
    fn only_buckets_with_counts_are_serialized() {
        let json = serde_json::to_string(&of(&[5000, 5001, 90_000_000])).expect("it is plain data");
        assert_eq!(json, "[[36,2],[262,1]]");
    }

    #[test]
    fn an_unknown_bucket_counts_as_the_longest() {
        let read: Latencies = serde_json::from_str("[[100000,3]]").expect("it is well formed");
        assert_eq!(read.count(), 3);
    }

    proptest! {
        #[test]
        fn a_quantile_differs_from_the_true_one_by_at_most_a_bucket(
            mut nanos in prop::collection::vec(2_000_u64..60_000_000_000, 1..200),
            q in 0.01_f64..1.0,
        ) {
            let estimated = of(&nanos).quantile(q).expect("there are times").value.as_secs_f64() * 1e9;
            nanos.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
            let rank = ((q * real(nanos.len() as u64)).ceil() as usize).clamp(1, nanos.len());
            let truth = real(nanos[rank - 1]);
            prop_assert!((estimated / truth - 1.0).abs() < 0.0626, "{estimated} {truth}");
        }

        #[test]
        fn the_merged_counts_of_two_pods_equal_those_of_one_pod_with_all_calls(
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
