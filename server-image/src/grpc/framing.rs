//! A body of gRPC with one message: five bytes that say whether it is compressed and how long it is, and the message.

use bytes::{BufMut, Bytes};
use http::{HeaderMap, HeaderValue, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use tonic::{Status, body::Body};

use crate::codec::compression::Coding;

/// Bytes in front of a message.
const PREFIX: usize = 5;

/// The message in a body, and its compression.
///
/// Fails unless the body is one complete message.
pub fn message(mut body: Bytes, headers: &HeaderMap) -> Result<(Bytes, Option<Coding>), Status> {
    let wrong = |what: &str| Err(Status::invalid_argument(format!("the body is not one message: {what}")));
    let Some((&[compressed, a, b, c, d], message)) = body.split_first_chunk::<PREFIX>() else {
        return wrong("it is shorter than its prefix");
    };
    if usize::try_from(u32::from_be_bytes([a, b, c, d])) != Ok(message.len()) {
        return wrong("its length is not the one in its prefix");
    }
    let coding = match compressed {
        0 => None,
        1 => Some(coding(headers)?),
        _ => return wrong("the flag of compression is neither 0 nor 1"),
    };
    Ok((body.split_off(PREFIX), coding))
}

fn coding(headers: &HeaderMap) -> Result<Coding, Status> {
    let name = headers.get("grpc-encoding").and_then(|name| name.to_str().ok()).unwrap_or_default();
    match Coding::of_body(name) {
        Ok(Some(coding)) => Ok(coding),
        Ok(None) | Err(_) => Err(Status::unimplemented(format!(
            "the compression `{name}` is not supported; use gzip or deflate"
        ))),
    }
}

/// A response with these headers: a framed message, or only a status.
pub fn response(message: Result<Bytes, Status>, headers: HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = headers;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    match message {
        Ok(message) => {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            let body = Full::new(message).with_trailers(std::future::ready(Some(Ok(trailers))));
            *response.body_mut() = Body::new(body);
        }
        Err(status) => {
            status.add_header(response.headers_mut()).expect("a status without details is always a header");
        }
    }
    response
}

/// A message with its prefix.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tonic::Code;

    use super::*;

    #[test]
    fn a_message_is_framed_and_read_back() {
        let framed = Bytes::from(framed(b"abc"));
        assert_eq!(message(framed, &HeaderMap::new()).unwrap(), (Bytes::from_static(b"abc"), None));
    }

    #[rstest]
    #[case::nothing(b"", Code::InvalidArgument)]
    #[case::half_a_prefix(&[0, 0, 0], Code::InvalidArgument)]
    #[case::too_short(&[0, 0, 0, 0, 2, 7], Code::InvalidArgument)]
    #[case::two_messages(&[0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7], Code::InvalidArgument)]
    #[case::another_flag(&[2, 0, 0, 0, 1, 7], Code::InvalidArgument)]
    #[case::an_unknown_compression(&[1, 0, 0, 0, 1, 7], Code::Unimplemented)]
    fn anything_else_is_refused(#[case] body: &'static [u8], #[case] code: Code) {
        assert_eq!(message(Bytes::from_static(body), &HeaderMap::new()).unwrap_err().code(), code);
    }
}
