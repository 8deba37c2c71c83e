//! Every response that is not 200: one table of status and message.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::named_enum::named_enum;

/// Why a request has no prediction. The message is for the caller and names the tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is wrong, and will be wrong at any time.
    #[error("{0}")]
    BadRequest(String),
    /// The path, model or version does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The path exists, but only for other methods.
    #[error("method not allowed; use {0}")]
    MethodNotAllowed(&'static str),
    /// The body did not arrive in time. The number is the limit in seconds.
    #[error("the request body did not arrive within {0} s")]
    TooSlow(u64),
    /// The body is larger than `--max-body`. The number is the limit in bytes.
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    /// The queue is full, or the memory for bodies.
    #[error("{0}")]
    Busy(&'static str),
    /// This server does not support this part of the protocol.
    #[error("{0}")]
    Unsupported(String),
    /// The model is not loaded yet.
    #[error("{0}")]
    NotReady(&'static str),
    /// The request waited too long for a session. The number is the limit in seconds.
    #[error("the request waited longer than {0} s for a session")]
    Deadline(u64),
    /// The request's own timeout was over before the model ran. The number is the timeout in microseconds.
    #[error("the timeout of {0} us was over before the model ran")]
    Timeout(u128),
    /// The model ran for as long as it may.
    #[error("the run of the model was stopped after {} s", .0.as_secs_f64())]
    Stopped(Duration),
    /// ONNX Runtime failed on this input.
    #[error("failed to run the model: {0}")]
    Backend(String),
}

named_enum! {
    /// Triton's values of the label `reason` of `nv_inference_request_failure`.
    pub enum FailureReason {
        /// The queue was full, the model not loaded, or the request waited too long.
        Rejected = "REJECTED",
        /// The caller closed the connection while its request was in the queue.
        Canceled = "CANCELED",
        /// ONNX Runtime failed.
        Backend = "BACKEND",
        /// Any other failure, for example a bad request.
        Other = "OTHER",
    }
}

impl Refusal {
    /// A bad request.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::BadRequest(message.into())
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
            Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Deadline(_) | Self::Timeout(_) | Self::Stopped(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Backend(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How the refusal is counted.
    #[must_use]
    pub fn failure_reason(&self) -> FailureReason {
        match self {
            Self::Busy(_) | Self::NotReady(_) | Self::Deadline(_) | Self::Timeout(_) => {
                FailureReason::Rejected
            }
            Self::Stopped(_) | Self::Backend(_) => FailureReason::Backend,
            Self::BadRequest(_)
            | Self::NotFound(_)
            | Self::MethodNotAllowed(_)
            | Self::TooSlow(_)
            | Self::TooLarge(_)
            | Self::Unsupported(_) => FailureReason::Other,
        }
    }

    /// The response: `{"error": message}`.
    #[must_use]
    pub fn response(&self) -> Response<Full<Bytes>> {
        let body = serde_json::json!({ "error": self.to_string() }).to_string();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            // A server that is not overloaded empties its queue within a second.
            Self::Busy(_) | Self::NotReady(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodNotAllowed(allowed) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            // The rest of the body is not read, so the connection cannot carry another request.
            Self::TooLarge(_) | Self::TooSlow(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
