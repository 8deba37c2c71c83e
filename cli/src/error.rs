//! How an invocation ends other than well, and with which exit code.

use crate::identity::Act;

/// Why nothing was done, or not all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No kubeconfig, or one that cannot be read.
    #[error("failed to read the kubeconfig: {0}")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// No configuration at all.
    #[error("failed to find a cluster: {0}")]
    Infer(#[source] Box<kube::config::InferConfigError>),
    /// The client could not be made of it.
    #[error("failed to set up the client: {0}")]
    Client(#[source] Box<kube::Error>),
    /// The API server answered no, or not at all.
    #[error("failed to {act}: {source}")]
    Api {
        /// What was tried.
        act: Act,
        /// What it answered.
        source: Box<kube::Error>,
    },
    /// It makes no sense as things stand; nothing was written.
    #[error("refused: {0}")]
    Refused(String),
    /// It cannot be typed like this.
    #[error("{0}")]
    Usage(String),
    /// The question was answered with no.
    #[error("nothing was written")]
    Declined,
    /// `--wait` saw it end badly.
    #[error("{0}")]
    EndedBadly(String),
    /// `--wait` saw no end in time.
    #[error("no outcome within {seconds} s; it goes on without you. Last seen: {last}")]
    TimedOut {
        /// How long it waited.
        seconds: u64,
        /// The newest reason and message.
        last: String,
    },
    /// The reader of stdout has gone: nobody misses the rest.
    #[error("stdout is closed")]
    StdoutClosed,
    /// Something between this machine and its user.
    #[error("failed to {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
}

impl Error {
    /// 0 where only the output was not read, 1 for what was refused or failed, 2 for what was typed wrongly (as clap
    /// has it).
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::StdoutClosed => 0,
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// Marks an API error with what was tried.
    pub fn api(act: Act) -> impl Fn(kube::Error) -> Self {
        move |source| Self::Api { act, source: Box::new(source) }
    }
}
