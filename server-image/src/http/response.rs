//! Responses with their content type.

use bytes::Bytes;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use serde_json::Value;

/// A response with a complete body.
pub type HttpResponse = Response<Full<Bytes>>;

/// A response with status 200.
#[must_use]
pub fn with_type(body: Bytes, content_type: &'static str) -> HttpResponse {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON document with status 200.
#[must_use]
pub fn document(json: &Value) -> HttpResponse {
    with_type(json.to_string().into(), "application/json")
}
