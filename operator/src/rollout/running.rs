//! Whether callers of the stable Service get an answer, and from the right version.

use jiff::SignedDuration;
use kube::ResourceExt;
use understudy_crds::names;

use super::{observe::Observed, verify::Readiness};
use crate::{clock, context::Context, error_chain::chain, reasons};

/// Whether callers of the stable URL get an answer from main.
#[derive(Debug, PartialEq)]
pub enum Running {
    /// Not checked in this pass: the condition stays.
    AsBefore,
    /// Yes.
    Yes,
    /// No, for a reason.
    No { reason: reasons::Running, message: String },
}

impl Running {
    /// What is known without a probe, while this version answers.
    pub fn unprobed(answering: Option<&str>) -> Self {
        if answering.is_some() {
            return Self::AsBefore;
        }
        Self::No { reason: reasons::Running::NoMain, message: "no version is in Production".to_owned() }
    }

    /// Whether main should answer and does not yet. No event announces that, so the next pass comes soon.
    pub fn is_awaited(&self) -> bool {
        match self {
            Self::AsBefore => true,
            Self::Yes => false,
            Self::No { reason, .. } => *reason != reasons::Running::NoMain,
        }
    }
}

/// Time that nodes need to follow a switch. Until then a wrong answer does not change the condition.
const SETTLING: SignedDuration = SignedDuration::from_secs(5);

/// Calls the stable Service, as a caller does.
pub async fn running(
    ctx: &Context,
    observed: &Observed,
    answering: Option<&str>,
    readiness: &Readiness,
    has_callers: bool,
) -> Running {
    let Some(version) = answering else { return Running::unprobed(None) };
    if readiness.changes_main() || !has_callers {
        return Running::AsBefore;
    }
    let url = names::url(&observed.md.name_any(), &observed.namespace());
    let (reason, message) = match ctx.prober.url(&url).await {
        Ok(answer) if answer.version == version => return Running::Yes,
        Ok(answer) => (
            reasons::Running::OtherVersionAnswers,
            format!("{url} is answered by {}, not by {version}", answer.version),
        ),
        Err(error) => (reasons::Running::NoAnswer, chain(&error)),
    };
    let since = observed.md.main().map(|main| main.since.0);
    let settling = since.is_some_and(|since| clock::now().duration_since(since) < SETTLING);
    if settling { Running::AsBefore } else { Running::No { reason, message } }
}
