//! Why a server could not start. The server writes it into its termination message, and the operator reads it there.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A reason and a message, written as one line of JSON: `{"reason":"DigestMismatch","message":"..."}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The reason, for conditions and metrics.
    pub reason: Reason,
    /// A sentence for the person who published the model: what was expected, what was found, what to do.
    pub message: String,
}

impl Failure {
    /// A failure whose message is `message`.
    pub fn new(reason: Reason, message: impl fmt::Display) -> Self {
        Self { reason, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Declares the reasons once: the enum, the list of all and the text form cannot differ.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Why a server could not start, in CamelCase.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
            /// A reason that this version does not know, from a newer server or another image.
            #[serde(other)]
            Unknown,
        }

        impl Reason {
            /// Every reason that a server reports. [`Reason::Unknown`] is not among them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The text in conditions, events and metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                    Self::Unknown => "Unknown",
                }
            }
        }
    };
}

reasons! {
    /// Nothing exists at the URI.
    ArtifactNotFound,
    /// The store rejected the credentials, or the request without credentials.
    ArtifactForbidden,
    /// The store cannot be reached, or its address is one that the egress guard rejects.
    ArtifactUnreachable,
    /// The file is larger than `--max-artifact`.
    ArtifactTooLarge,
    /// The file's SHA-256 is not that of the `ModelVersion`.
    DigestMismatch,
    /// The file is not an ONNX model, or it is one that the server rejects before it loads it.
    InvalidModel,
    /// ONNX Runtime could not load the model.
    LoadFailed,
    /// The model was loaded, but its first inference needed too much memory or time, or its outputs cannot be served.
    WarmUpFailed,
    /// The examples cannot be read, or they belong to another model.
    InvalidExamples,
    /// The model does not reproduce the answers of the examples.
    ExamplesDiffer,
    /// The baseline cannot be read, or it belongs to another model.
    InvalidBaseline,
    /// The URI is malformed, or its scheme is not supported.
    UnsupportedUri,
    /// The image of `spec.runtime` was not ready in time, or does not have the model.
    RuntimeNotReady,
    /// The image of `spec.runtime` does not speak the Open Inference Protocol, or does not declare its inputs and outputs.
    InvalidRuntime,
    /// The server itself could not start, for example because a port is in use.
    StartFailed,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_read_as_it_was_written() {
        for reason in Reason::ALL {
            let failure = Failure::new(*reason, "expected sha256:aa, found sha256:bb");
            let text = serde_json::to_string(&failure).unwrap();
            assert!(text.starts_with(&format!(r#"{{"reason":"{reason}","#)), "{text}");
            assert_eq!(serde_json::from_str::<Failure>(&text).unwrap(), failure);
        }
    }

    #[test]
    fn a_reason_of_a_newer_server_does_not_hide_its_message() {
        let text = r#"{"reason":"NotBuiltYet","message":"the disk is on fire","since":"today"}"#;
        let failure: Failure = serde_json::from_str(text).unwrap();
        assert_eq!(failure, Failure::new(Reason::Unknown, "the disk is on fire"));
    }
}
