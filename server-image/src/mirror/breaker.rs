//! A circuit breaker: a challenger that fails several times in a row gets no copies for a while, and then one trial.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Failures in a row that open the circuit. A pod that is deleted causes fewer.
const FAILURES: u32 = 5;
/// The first pause. It doubles with each failed trial, up to [`LONGEST`]: a challenger that recovers must get copies
/// again within 10 s.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// The circuit to one challenger. Many threads ask it, one thread reports to it.
#[derive(Debug)]
pub struct Breaker {
    start: Instant,
    /// Milliseconds after `start` until the next trial. 0 while the circuit is closed.
    until: AtomicU64,
    failures: AtomicU32,
    /// How often in a row the circuit opened.
    opened: AtomicU32,
}

/// Whether a circuit breaker allows a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The circuit is closed: send the copy.
    Allow,
    /// The circuit is open, and this copy is the trial that may close it: send the copy.
    Trial,
    /// The circuit is open: do not send the copy.
    Reject,
}

impl Breaker {
    /// A closed circuit.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        Self { start, until: AtomicU64::new(0), failures: AtomicU32::new(0), opened: AtomicU32::new(0) }
    }

    /// Whether a copy may be sent at `now`. A trial without a result after `timeout` is followed by another one.
    pub fn admit(&self, now: Instant, timeout: Duration) -> Admission {
        let until = self.until.load(Relaxed);
        if until == 0 {
            return Admission::Allow;
        }
        let now = self.millis(now);
        if now < until {
            return Admission::Reject;
        }
        // Of several concurrent copies, the one that moves the time forward is the trial.
        let next = now + millis(timeout).max(1);
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

    /// Reports that the challenger answered.
    pub fn succeeded(&self) {
        self.failures.store(0, Relaxed);
        self.opened.store(0, Relaxed);
        self.until.store(0, Relaxed);
    }

    /// Reports that the challenger failed at `now`. `jitter`, from 0 to 1, keeps pods from trying at the same moment.
    pub fn failed(&self, now: Instant, admission: Admission, jitter: f64) {
        let failures = self.failures.fetch_add(1, Relaxed) + 1;
        // Copies that were in flight when the circuit opened do not count.
        if (self.is_open() && admission != Admission::Trial) || failures < FAILURES {
            return;
        }
        let times = self.opened.fetch_add(1, Relaxed).min(8);
        let pause = (FIRST * 2_u32.pow(times)).min(LONGEST).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
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

    const TIMEOUT: Duration = Duration::from_secs(1);

    fn opened(start: Instant) -> Breaker {
        let breaker = Breaker::new(start);
        for _ in 0..FAILURES {
            assert_eq!(breaker.admit(start, TIMEOUT), Admission::Allow);
            breaker.failed(start, Admission::Allow, 1.0);
        }
        breaker
    }

    #[test]
    fn a_few_failures_between_successes_do_not_open_the_circuit() {
        let start = Instant::now();
        let breaker = Breaker::new(start);
        for _ in 0..10 * FAILURES {
            breaker.failed(start, Admission::Allow, 1.0);
            breaker.succeeded();
        }
        assert_eq!(breaker.admit(start, TIMEOUT), Admission::Allow);
    }

    #[test]
    fn after_a_pause_there_is_one_trial_and_its_success_closes_the_circuit() {
        let start = Instant::now();
        let breaker = opened(start);
        assert_eq!(breaker.admit(start, TIMEOUT), Admission::Reject);
        let later = start + FIRST;
        assert_eq!(breaker.admit(later, TIMEOUT), Admission::Trial);
        assert_eq!(breaker.admit(later, TIMEOUT), Admission::Reject, "there is only one trial");
        breaker.succeeded();
        assert_eq!(breaker.admit(later, TIMEOUT), Admission::Allow);
    }

    #[test]
    fn each_failed_trial_doubles_the_pause_up_to_a_bound() {
        let mut now = Instant::now();
        let breaker = opened(now);
        let mut pauses = vec![FIRST];
        for _ in 0..8 {
            now += *pauses.last().unwrap();
            assert_eq!(breaker.admit(now, TIMEOUT), Admission::Trial);
            breaker.failed(now, Admission::Trial, 1.0);
            let pause = (*pauses.last().unwrap() * 2).min(LONGEST);
            let almost = now + pause.saturating_sub(Duration::from_millis(2));
            assert_eq!(breaker.admit(almost, TIMEOUT), Admission::Reject);
            pauses.push(pause);
        }
        assert_eq!(pauses.last(), Some(&LONGEST));
    }

    #[test]
    fn copies_that_were_in_flight_when_the_circuit_opened_do_not_prolong_the_pause() {
        let start = Instant::now();
        let breaker = opened(start);
        for _ in 0..100 {
            breaker.failed(start, Admission::Allow, 1.0);
        }
        assert_eq!(breaker.admit(start + FIRST, TIMEOUT), Admission::Trial);
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let start = Instant::now();
        let breaker = opened(start);
        assert_eq!(breaker.admit(start + FIRST, TIMEOUT), Admission::Trial);
        assert_eq!(breaker.admit(start + FIRST + TIMEOUT, TIMEOUT), Admission::Trial);
    }
}
