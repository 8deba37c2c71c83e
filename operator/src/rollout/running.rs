//! Whether callers of the stable Service get an answer, and from the right version.

use std::time::Duration;

use jiff::SignedDuration;
use kube::ResourceExt;
use understudy_crds::names;

use super::{build::Answering, observe::Observed, verify::Readiness};
use crate::{clock, context::Context, reasons};

/// Shortest pause before the next pass while main does not answer.
const SOON: Duration = Duration::from_secs(1);

/// Whether callers of the stable URL get an answer from main.
#[derive(Debug, PartialEq)]
pub enum Running {
    /// Not checked in this pass: the condition stays.
    AsBefore,
    /// Yes.
    Yes,
    /// No, for a reason. The Service may be probed again after this time.
    No { reason: reasons::Running, message: String, again: Duration },
}

impl Running {
    /// What is known without a probe, while this version answers.
    pub fn unprobed(answering: Option<&str>) -> Self {
        if answering.is_some() {
            return Self::AsBefore;
        }
        let message = "no version is in Production".to_owned();
        Self::No { reason: reasons::Running::NoMain, message, again: Duration::ZERO }
    }

    /// Time until the next pass, if main should answer and does not yet. Only a changed result triggers a pass before
    /// that.
    pub fn next_look(&self) -> Option<Duration> {
        match self {
            Self::AsBefore => Some(SOON),
            Self::Yes => None,
            Self::No { reason, again, .. } => (*reason != reasons::Running::NoMain).then_some(*again),
        }
    }
}

/// Time that nodes need to follow a switch. Until then a wrong answer does not change the condition.
const SETTLING: SignedDuration = SignedDuration::from_secs(5);

/// Whether the stable Service answers a caller, by the newest probe. A pass does not wait for a Service that does not
/// answer: the result triggers another one.
pub async fn running(
    ctx: &Context,
    observed: &Observed,
    answering: Option<Answering<'_>>,
    readiness: &Readiness,
    has_callers: bool,
) -> Running {
    let Some(Answering { version, transition }) = answering else { return Running::unprobed(None) };
    if readiness.changes_main() || !has_callers {
        return Running::AsBefore;
    }
    let url = names::url(&observed.md.name_any(), &observed.namespace());
    let (subject, facts) = (observed.subject(), facts(observed, version, transition));
    let answered = ctx.probes.service(&subject, &url, &facts).await;
    let (reason, message) = match answered.as_deref() {
        None => return Running::AsBefore,
        Some(Ok(answer)) if answer.version == version => return Running::Yes,
        Some(Ok(answer)) => (
            reasons::Running::OtherVersionAnswers,
            format!("{url} is answered by {}, not by {version}", answer.version),
        ),
        Some(Err(error)) => (reasons::Running::NoAnswer, error.clone()),
    };
    let since = observed.md.main().map(|main| main.since.0);
    let settling = since.is_some_and(|since| clock::now().duration_since(since) < SETTLING);
    if settling {
        return Running::AsBefore;
    }
    let again = ctx.probes.pause_of_service(&subject, &url, &facts).max(SOON);
    Running::No { reason, message, again }
}

/// What an answer of the Service is about: an answer from before a switch, or from other pods, does not count.
fn facts(observed: &Observed, version: &str, transition: &str) -> String {
    let pods = &observed.pods_of(version).ready_addresses;
    let mut pods: Vec<&str> = pods.iter().map(|pod| pod.identity.as_str()).collect();
    pods.sort_unstable();
    format!("{transition}: {}", pods.join(", "))
}
