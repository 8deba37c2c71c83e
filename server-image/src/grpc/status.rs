//! The code of each refusal, and the time that a caller gives.

use std::time::Duration;

use http::HeaderMap;
use tonic::{Code, Status};

use crate::error::Refusal;

/// The status of a refusal. Clients of gRPC repeat a call that is `Unavailable`.
pub fn of(refusal: &Refusal) -> Status {
    let code = match refusal {
        Refusal::BadRequest(_) => Code::InvalidArgument,
        Refusal::NotFound(_) => Code::NotFound,
        Refusal::MethodNotAllowed(_) | Refusal::Unsupported(_) => Code::Unimplemented,
        Refusal::TooLarge(_) => Code::ResourceExhausted,
        Refusal::Busy(_) | Refusal::NotReady(_) => Code::Unavailable,
        Refusal::TooSlow(_) | Refusal::Deadline(_) | Refusal::Timeout(_) | Refusal::Stopped(_) => {
            Code::DeadlineExceeded
        }
        Refusal::Backend(_) => Code::Internal,
    };
    Status::new(code, refusal.to_string())
}

/// For how long the caller waits: the header `grpc-timeout`, a number and its unit. `None` without a valid one.
pub fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok().filter(|_| number.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_hours(number),
        "M" => Duration::from_mins(number),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("3S", Some(Duration::from_secs(3)))]
    #[case("250m", Some(Duration::from_millis(250)))]
    #[case("99999999H", Some(Duration::from_hours(99_999_999)))]
    #[case("100000000n", None)]
    #[case("S", None)]
    #[case("", None)]
    #[case("-1S", None)]
    #[case("3x", None)]
    fn a_timeout_is_a_number_and_its_unit(#[case] text: &str, #[case] expected: Option<Duration>) {
        let headers = HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), text.parse().unwrap())]);
        assert_eq!(timeout(&headers), expected);
    }
}
