//! Every answer that is not 200: one table of status and message.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// Why a request was not answered with a prediction. The message is for the caller and names the tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is wrong, and would be wrong at any time.
    #[error("{0}")]
    BadRequest(String),
    /// No such path, model or version.
    #[error("{0}")]
    NotFound(String),
    /// The path exists, for another method.
    #[error("method not allowed; use {0}")]
    MethodNotAllowed(&'static str),
    /// The body did not arrive in time.
    #[error("the request body did not arrive within {0} s")]
    TooSlow(u64),
    /// The body is larger than `--max-body`.
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    /// No room in the queue, or for the body.
    #[error("{0}")]
    Busy(&'static str),
    /// A part of the protocol that this server does not have.
    #[error("{0}")]
    Unsupported(String),
    /// Not loaded yet, or shutting down.
    #[error("{0}")]
    NotReady(&'static str),
    /// Waited too long for a session.
    #[error("the request waited longer than {0} s for a session")]
    Deadline(u64),
    /// ONNX Runtime failed on this input.
    #[error("failed to run the model: {0}")]
    Backend(String),
}

impl Refusal {
    /// A wrong request.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::BadRequest(message.into())
    }

    /// The status of the answer.
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
            Self::Deadline(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Backend(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Triton's value of the label `reason` of `nv_inference_request_failure`.
    #[must_use]
    pub fn metric_reason(&self) -> &'static str {
        match self {
            Self::Busy(_) | Self::NotReady(_) | Self::Deadline(_) => "REJECTED",
            Self::Backend(_) => "BACKEND",
            _ => "OTHER",
        }
    }

    /// The answer: `{"error": message}`.
    #[must_use]
    pub fn response(&self) -> Response<Full<Bytes>> {
        let body = serde_json::json!({ "error": self.to_string() }).to_string();
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            // The queue of a server that keeps up is empty within a second.
            Self::Busy(_) | Self::NotReady(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::MethodNotAllowed(allowed) => {
                headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
            }
            // What is left of the body is not read, so the connection cannot carry another request.
            Self::TooLarge(_) | Self::TooSlow(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
