//! The trace that a call belongs to: the header `traceparent` of W3C Trace Context. Records have it, and the copy to the
//! challenger carries it. This server makes no spans of its own.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The name of the header.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The header, if it is one of version 00: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`. Any other is not passed on.
#[must_use]
pub fn of(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut all = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    is_valid(value.as_bytes()).then_some(value)
}

fn is_valid(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'-');
    let mut is_hex = |length: usize, may_be_zero: bool| {
        parts.next().is_some_and(|part| {
            let digits = part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            part.len() == length && digits && (may_be_zero || part.iter().any(|byte| *byte != b'0'))
        })
    };
    let fits = is_hex(2, true) && is_hex(32, false) && is_hex(16, false) && is_hex(2, true);
    fits && parts.next().is_none() && value.starts_with(b"00-")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[rstest]
    #[case::valid(VALID, true)]
    #[case::of_a_later_version("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    #[case::without_a_trace("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false)]
    #[case::without_a_span("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false)]
    #[case::in_capitals("00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01", false)]
    #[case::with_more("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false)]
    #[case::a_text("hello", false)]
    #[case::nothing("", false)]
    fn only_a_valid_header_is_taken_over(#[case] value: &str, #[case] valid: bool) {
        assert_eq!(is_valid(value.as_bytes()), valid);
    }

    #[test]
    fn of_two_headers_neither_is_taken_over() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(VALID));
        assert!(of(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(VALID));
        assert!(of(&headers).is_none());
    }
}
