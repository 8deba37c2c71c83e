//! Why a model could not be served, in words for the person who published it and one word for the operator.

use std::fmt;
use std::path::Path;

use serde::Serialize;

/// One word for the operator's conditions. The names are the contract with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Reason {
    /// The URI names nothing.
    ArtifactNotFound,
    /// The store refused the credentials, or there were none.
    ArtifactForbidden,
    /// The store could not be reached, or its address is one that is never called.
    ArtifactUnreachable,
    /// The file is larger than `--max-artifact`.
    ArtifactTooLarge,
    /// The file is not the one that was published.
    DigestMismatch,
    /// The file is no ONNX model, or one that is refused.
    InvalidModel,
    /// ONNX Runtime could not load the model.
    LoadFailed,
    /// The model was loaded, but did not answer a synthetic request.
    WarmUpFailed,
    /// The baseline cannot be read, or is that of another model.
    InvalidBaseline,
    /// No such scheme, or a malformed URI.
    UnsupportedUri,
    /// The server itself could not start: a port in use, a directory that cannot be written.
    StartFailed,
}

impl Reason {
    /// The reason as it is written in conditions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ArtifactNotFound => "ArtifactNotFound",
            Self::ArtifactForbidden => "ArtifactForbidden",
            Self::ArtifactUnreachable => "ArtifactUnreachable",
            Self::ArtifactTooLarge => "ArtifactTooLarge",
            Self::DigestMismatch => "DigestMismatch",
            Self::InvalidModel => "InvalidModel",
            Self::LoadFailed => "LoadFailed",
            Self::WarmUpFailed => "WarmUpFailed",
            Self::InvalidBaseline => "InvalidBaseline",
            Self::UnsupportedUri => "UnsupportedUri",
            Self::StartFailed => "StartFailed",
        }
    }
}

/// A reason and a message that says what was seen and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// One word.
    pub reason: Reason,
    /// One sentence.
    pub message: String,
}

impl Failure {
    /// A failure whose message is `message`.
    pub fn new(reason: Reason, message: impl fmt::Display) -> Self {
        Self { reason, message: message.to_string() }
    }

    /// Writes the failure where the kubelet looks for it, as one line of JSON.
    ///
    /// The kubelet keeps 4096 bytes, so a longer message is cut here, where it stays valid JSON.
    pub fn write_to(&self, termination_log: &Path) -> std::io::Result<()> {
        const LONGEST: usize = 2048;
        let mut short = self.clone();
        short.message.truncate(short.message.floor_char_boundary(LONGEST));
        let line = serde_json::to_string(&short).expect("two strings are always JSON");
        std::fs::write(termination_log, line + "\n")
    }
}
