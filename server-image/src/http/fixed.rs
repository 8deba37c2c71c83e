//! Responses whose body never changes while the process runs: the pages for people, and the files that they load.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
    },
};
use sha2::{Digest as _, Sha256};
use understudy_contract::Digest;

use super::response::{HttpResponse, with_type};
use crate::codec::compression::Coding;

/// A body, also in compressed form.
pub struct Fixed {
    body: Bytes,
    gzip: Option<Bytes>,
    /// Weak, since both forms have the same.
    tag: HeaderValue,
    content_type: &'static str,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Fixed {
    /// A body of this type.
    #[must_use]
    pub fn new(body: impl Into<Bytes>, content_type: &'static str) -> Self {
        let body = body.into();
        let digest = Digest::from(<[u8; 32]>::from(Sha256::digest(&body)));
        let tag = format!("W/\"{digest}\"").parse().expect("hexadecimal digits are valid in a header");
        let gzip = Coding::Gzip.compress(&body).map(Bytes::from);
        Self { body, gzip, tag, content_type, headers: Vec::new() }
    }

    /// The same with another header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The response to a request with these headers: 304 if the caller has the body already.
    #[must_use]
    pub fn respond(&self, request: &HeaderMap) -> HttpResponse {
        let text = |name| request.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let has_it = text(IF_NONE_MATCH).split(',').any(|tag| tag.trim().as_bytes() == self.tag.as_bytes());
        let accepts_gzip = Coding::accepted(text(ACCEPT_ENCODING)) == Some(Coding::Gzip);
        let gzip = self.gzip.as_ref().filter(|_| accepts_gzip && !has_it);
        let body = if has_it { Bytes::new() } else { gzip.unwrap_or(&self.body).clone() };
        let mut response = with_type(body, self.content_type);
        let headers = response.headers_mut();
        headers.extend(self.headers.iter().cloned().map(|(name, value)| (Some(name), value)));
        headers.insert(ETAG, self.tag.clone());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // A browser keeps the body, and asks each time whether it is still the same: behind one URL, one version follows another.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if gzip.is_some() {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(Coding::Gzip.name()));
        }
        if has_it {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        response
    }
}
