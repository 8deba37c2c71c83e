//! Real inferences, asked of pods and of the Service.

use std::time::Duration;

use serde::Deserialize;
use understudy_crds::ModelSignature;

use super::{build::ports, observe::Observed, verify::Verdict};
use crate::{
    clock,
    context::Context,
    fetch::{self, Fetcher},
};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The server's answer to a probe.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// The version that answered.
    pub version: String,
    /// Digest of the file that it loaded.
    pub digest: String,
    /// Its signature.
    pub model: ModelSignature,
}

/// Asks.
pub struct Prober(Fetcher);

impl Prober {
    /// A prober.
    pub fn new() -> Self {
        Self(Fetcher::new(TIMEOUT))
    }

    /// A real inference by the pod of this address.
    pub async fn pod(&self, ip: &str) -> Result<Answer, fetch::Error> {
        self.ask(&fetch::base(ip, ports::DIRECT)).await
    }

    /// A real inference through a Service.
    async fn ask(&self, base: &str) -> Result<Answer, fetch::Error> {
        self.0.json(&format!("{base}/understudy/v1/probe")).await
    }
}

/// Whether callers of the stable URL get an answer, and from whom they should.
#[derive(Debug, PartialEq)]
pub enum Running {
    /// Not looked at in this pass: what was known stands.
    AsBefore,
    /// Yes.
    Yes,
    /// No, for a reason.
    No { reason: &'static str, message: String },
}

impl Running {
    /// Whether main's answer should come and did not yet: no event tells when it does.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::AsBefore => true,
            Self::Yes => false,
            Self::No { reason, .. } => *reason != NO_MAIN,
        }
    }
}

/// Nodes need a moment to follow a switch; until then it is no news that they have not.
const SETTLING: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// Nobody should answer.
const NO_MAIN: &str = "NoMain";

/// Calls the stable Service, as a caller does.
pub async fn running(
    ctx: &Context,
    observed: &Observed,
    answering: Option<&str>,
    verdict: &Verdict,
    routed: bool,
) -> Running {
    let Some(version) = answering else {
        return Running::No { reason: NO_MAIN, message: "no version is in Production".to_owned() };
    };
    if verdict.changes_main() || !routed {
        return Running::AsBefore;
    }
    let url = understudy_crds::names::url(
        &kube::ResourceExt::name_any(observed.md.as_ref()),
        &observed.namespace(),
    );
    let (reason, message) = match ctx.prober.ask(&url).await {
        Ok(answer) if answer.version == version => return Running::Yes,
        Ok(answer) => {
            ("OtherVersionAnswers", format!("{url} is answered by {}, not by {version}", answer.version))
        }
        Err(error) => ("NoAnswer", crate::error_chain::chain(&error)),
    };
    let since = observed.md.main().map(|main| main.since.0);
    let settling = since.is_some_and(|since| clock::now().duration_since(since) < SETTLING);
    if settling { Running::AsBefore } else { Running::No { reason, message } }
}
