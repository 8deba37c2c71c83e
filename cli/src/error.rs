//! Errors of an invocation, and their exit codes.

use crate::identity::Act;

/// Why the invocation did not do what was requested.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kubeconfig is missing or cannot be read.
    #[error("failed to read the kubeconfig: {0}")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// Neither a kubeconfig nor a service account exists.
    #[error("failed to find a cluster: name a kubeconfig with --kubeconfig or $KUBECONFIG: {0}")]
    Infer(#[source] Box<kube::config::InferConfigError>),
    /// The configuration cannot be used.
    #[error("failed to set up the client: {0}")]
    Client(#[source] Box<kube::Error>),
    /// The API server refused, or did not respond.
    #[error("failed to {act}: {source}")]
    Api {
        /// The act that failed.
        act: Act,
        /// Its response.
        source: Box<kube::Error>,
    },
    /// The request does not fit the present state. Nothing was written.
    #[error("refused: {0}")]
    Refused(String),
    /// Wrong usage of the command line.
    #[error("{0}")]
    Usage(String),
    /// The user answered no.
    #[error("nothing was written")]
    Declined,
    /// `--wait`: it ended without the requested effect.
    #[error("{0}")]
    EndedBadly(String),
    /// `--wait`: it did not end in time.
    #[error("it did not end within {seconds} s, and goes on in the cluster. Last state: {last}")]
    TimedOut {
        /// The time waited.
        seconds: u64,
        /// The newest reason and message.
        last: String,
    },
    /// The archive of `report` cannot be written.
    #[error("failed to write {path}: {source}")]
    Archive {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// `doctor` could check nothing.
    #[error("failed to check the installation: {0}")]
    Unseen(String),
    /// `doctor` found problems, and has printed them.
    #[error("problems found")]
    Problems,
    /// The reader of stdout stopped reading. This is not a failure.
    #[error("stdout is closed")]
    StdoutClosed,
    /// An error of this machine: terminal, files, local port.
    #[error("failed to {what}: {source}")]
    Io {
        /// What failed.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

impl Error {
    /// 0 if only the output was not read, 1 for a refusal, a failure or a problem, 2 for wrong usage (as clap does) and if
    /// nothing could be checked.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::StdoutClosed => 0,
            Self::Usage(_) | Self::Unseen(_) => 2,
            _ => 1,
        }
    }

    /// Wraps an error of the API with the act that failed.
    pub fn api(act: Act) -> impl Fn(kube::Error) -> Self {
        move |source| Self::Api { act, source: Box::new(source) }
    }
}
