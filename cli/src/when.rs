//! Times and durations for people.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A duration in its two largest units, as `kubectl get` shows ages: `45s`, `3m12s`, `5h30m`, `6d23h`.
#[must_use]
pub fn span(seconds: i64) -> String {
    let two =
        |large: i64, letter: char, small: i64, rest: char| match (seconds / large, seconds % large / small) {
            (n, 0) => format!("{n}{letter}"),
            (n, m) => format!("{n}{letter}{m}{rest}"),
        };
    match seconds {
        ..=0 => "0s".to_owned(),
        1..MINUTE => format!("{seconds}s"),
        MINUTE..HOUR => two(MINUTE, 'm', 1, 's'),
        HOUR..DAY => two(HOUR, 'h', MINUTE, 'm'),
        DAY.. => two(DAY, 'd', HOUR, 'h'),
    }
}

/// The time since `at`.
#[must_use]
pub fn age(at: &Time, now: Timestamp) -> String {
    span(now.as_second() - at.0.as_second())
}

/// The time until `at`.
#[must_use]
pub fn age_until(at: &Time, now: Timestamp) -> String {
    span(at.0.as_second() - now.as_second())
}

/// `2026-11-21 04:04:10Z`.
#[must_use]
pub fn moment(at: &Time) -> String {
    at.0.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `expires in 6d23h` or `expired 2h ago`.
#[must_use]
pub fn expiry(at: &Time, now: Timestamp) -> String {
    match at.0.as_second() - now.as_second() {
        left @ 1.. => format!("expires in {}", span(left)),
        over => format!("expired {} ago", span(-over)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(-5, "0s")]
    #[case(45, "45s")]
    #[case(192, "3m12s")]
    #[case(3600, "1h")]
    #[case(604_799, "6d23h")]
    fn a_duration_shows_its_two_largest_units(#[case] seconds: i64, #[case] shown: &str) {
        assert_eq!(span(seconds), shown);
    }
}
