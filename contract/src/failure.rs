//! Why a server could not start, as it leaves it in its termination message.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A reason and a message, written as one line of JSON: `{"reason":"DigestMismatch","message":"..."}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One word for conditions and metrics.
    pub reason: Reason,
    /// One sentence for the person who published the model: what was expected, what was found.
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
        /// One word for why a server could not start.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
            /// A word that this version does not know, from a newer server or another image.
            #[serde(other)]
            Unknown,
        }

        impl Reason {
            /// Every reason that a server gives.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word in conditions, events and metrics.
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
    /// The URI names nothing.
    ArtifactNotFound,
    /// The store rejected the credentials, or none were given.
    ArtifactForbidden,
    /// The store could not be reached, or its address is one that the server never calls.
    ArtifactUnreachable,
    /// The file is larger than `--max-artifact`.
    ArtifactTooLarge,
    /// The file has another SHA-256 than the `ModelVersion` says.
    DigestMismatch,
    /// The file is not an ONNX model, or it is one that the server refuses to load.
    InvalidModel,
    /// ONNX Runtime could not load the model.
    LoadFailed,
    /// The model was loaded, but it did not answer a synthetic request.
    WarmUpFailed,
    /// The baseline cannot be read, or it belongs to another model.
    InvalidBaseline,
    /// The URI is malformed, or its scheme is not supported.
    UnsupportedUri,
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
