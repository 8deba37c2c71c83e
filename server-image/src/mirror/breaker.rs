//! Leaves a challenger that fails again and again alone for a while, and then tries it with one call.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Failures in a row that open the circuit. Fewer are a pod that went.
const FAILURES: u32 = 5;
/// The first pause; doubled up to [`LONGEST`]. A change of the challenger is to take effect within 10 s.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// The circuit to one challenger. Asked by many threads, told by one.
#[derive(Debug)]
pub struct Breaker {
    start: Instant,
    /// Milliseconds after `start` at which the next call is let through; 0 while the circuit is closed.
    until: AtomicU64,
    failures: AtomicU32,
    /// How often in a row it was opened.
    opened: AtomicU32,
}

/// What a breaker says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Go.
    Allow,
    /// Go, and tell how it went: the circuit is open, and this is the try that may close it.
    Trial,
    /// Do not.
    Reject,
}

impl Breaker {
    /// A closed circuit.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        Self { start, until: AtomicU64::new(0), failures: AtomicU32::new(0), opened: AtomicU32::new(0) }
    }

    /// Whether a call may go at `now`. `patience` is how long a try may take before another one is made.
    pub fn admit(&self, now: Instant, patience: Duration) -> Admission {
        let until = self.until.load(Relaxed);
        if until == 0 {
            return Admission::Allow;
        }
        let now = self.millis(now);
        if now < until {
            return Admission::Reject;
        }
        // Of all that come at once, the one that moves the time on tries.
        let next = now + millis(patience).max(1);
        match self.until.compare_exchange(until, next, Relaxed, Relaxed) {
            Ok(_) => Admission::Trial,
            Err(_) => Admission::Reject,
        }
    }

    /// Whether the circuit is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.until.load(Relaxed) != 0
    }

    /// The challenger answered.
    pub fn succeeded(&self) {
        self.failures.store(0, Relaxed);
        self.opened.store(0, Relaxed);
        self.until.store(0, Relaxed);
    }

    /// It did not, at `now`; `chance`, from 0 to 1, keeps many callers from trying at the same moment.
    pub fn failed(&self, now: Instant, admission: Admission, chance: f64) {
        let failures = self.failures.fetch_add(1, Relaxed) + 1;
        // Calls that were on their way when it opened tell nothing new.
        if (self.is_open() && admission != Admission::Trial) || failures < FAILURES {
            return;
        }
        let times = self.opened.fetch_add(1, Relaxed).min(8);
        let pause = (FIRST * 2_u32.pow(times)).min(LONGEST).mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        self.until.store(self.millis(now) + millis(pause).max(1), Relaxed);
    }

    fn millis(&self, at: Instant) -> u64 {
        millis(at.saturating_duration_since(self.start))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn opened(start: Instant) -> Breaker {
        let breaker = Breaker::new(start);
        for _ in 0..FAILURES {
            assert_eq!(breaker.admit(start, PATIENCE), Admission::Allow);
            breaker.failed(start, Admission::Allow, 1.0);
        }
        breaker
    }

    #[test]
    fn a_few_failures_between_successes_open_nothing() {
        let start = Instant::now();
        let breaker = Breaker::new(start);
        for _ in 0..10 * FAILURES {
            breaker.failed(start, Admission::Allow, 1.0);
            breaker.succeeded();
        }
        assert_eq!(breaker.admit(start, PATIENCE), Admission::Allow);
    }

    #[test]
    fn after_a_pause_one_call_tries_and_its_success_closes_the_circuit() {
        let start = Instant::now();
        let breaker = opened(start);
        assert_eq!(breaker.admit(start, PATIENCE), Admission::Reject);
        let later = start + FIRST;
        assert_eq!(breaker.admit(later, PATIENCE), Admission::Trial);
        assert_eq!(breaker.admit(later, PATIENCE), Admission::Reject, "one is enough");
        breaker.succeeded();
        assert_eq!(breaker.admit(later, PATIENCE), Admission::Allow);
    }

    #[test]
    fn each_failed_try_doubles_the_pause_up_to_a_bound() {
        let mut now = Instant::now();
        let breaker = opened(now);
        let mut pauses = vec![FIRST];
        for _ in 0..8 {
            now += *pauses.last().unwrap();
            assert_eq!(breaker.admit(now, PATIENCE), Admission::Trial);
            breaker.failed(now, Admission::Trial, 1.0);
            let pause = (*pauses.last().unwrap() * 2).min(LONGEST);
            let almost = now + pause.saturating_sub(Duration::from_millis(2));
            assert_eq!(breaker.admit(almost, PATIENCE), Admission::Reject);
            pauses.push(pause);
        }
        assert_eq!(pauses.last(), Some(&LONGEST));
    }

    #[test]
    fn calls_that_were_on_their_way_when_it_opened_do_not_prolong_the_pause() {
        let start = Instant::now();
        let breaker = opened(start);
        for _ in 0..100 {
            breaker.failed(start, Admission::Allow, 1.0);
        }
        assert_eq!(breaker.admit(start + FIRST, PATIENCE), Admission::Trial);
    }

    #[test]
    fn a_try_that_never_ends_is_followed_by_another() {
        let start = Instant::now();
        let breaker = opened(start);
        assert_eq!(breaker.admit(start + FIRST, PATIENCE), Admission::Trial);
        assert_eq!(breaker.admit(start + FIRST + PATIENCE, PATIENCE), Admission::Trial);
    }
}
