//! The controller of `ModelDeployment`: pods for the versions that need them, and one Service that selects main.
//!
//! The order protects callers: first pods, then a real inference on each, then the Service, then the routing of the
//! pods, then the status. If a pass is interrupted, the next one continues, because each step is derived from the
//! present state.

mod apply;
mod build;
mod challenger;
mod comparison;
mod deadline;
mod drift;
mod error;
mod expectations;
mod observe;
mod plan;
mod rollback;
mod rounds;
mod running;
mod signature;
mod state;
mod status;
mod summaries;
mod verify;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::{ResourceExt, runtime::controller::Action};
use rand::RngExt as _;
use understudy_crds::ModelDeployment;

pub use self::{error::Error, state::State};
use crate::{clock, context::Context};

/// Pause between two passes while nothing happens. Each pass probes main.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Pause before the next pass after a switch, or while something does not answer yet.
const SOON: Duration = Duration::from_secs(1);

/// One pass over one deployment.
pub async fn reconcile(
    md: Arc<ModelDeployment>,
    ctx: Arc<Context>,
    state: Arc<State>,
) -> Result<Action, Error> {
    if md.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    if state.expectations.are_unmet_by(&md) {
        // The event of the write triggers the next pass.
        return Ok(Action::requeue(SOON));
    }
    let now = clock::now();
    let observed = observe::observe(&md, &ctx);
    let judged = challenger::judge(&observed, observed.current());
    let plan = plan::plan(&observed, &judged, now);
    let workloads = apply::workloads(&ctx, &observed, &plan).await;
    let readiness = verify::verify(&ctx, &observed, &plan, &workloads).await?;
    let deadline = deadline::judge(&observed, &plan.next, &readiness, state.leading_since, now);
    let (answering, main) = (readiness.answering(&observed, &plan), readiness.main(&plan));
    // Judged again next to a new main: a version that has just become main is not its own challenger.
    let judged = if readiness.changes_main() { challenger::judge(&observed, main) } else { judged };
    let main = main.map(AsRef::as_ref);
    let (challenger, served) = apply::challenger(&ctx, &observed, judged).await;
    let accepted = challenger.accepted().map(AsRef::as_ref);
    let routing = build::routing(&observed.md, answering, main, accepted);
    let routed = apply::routing(&ctx, &observed, answering, &routing).await;
    let (running, collected) = tokio::join!(
        running::running(&ctx, &observed, answering, &readiness, routed.is_ok()),
        summaries::collect(&ctx, &state.rounds, &observed, main, &challenger, &readiness)
    );
    let awaited = running.is_awaited();
    let pass = status::Pass {
        plan: &plan,
        workloads: &workloads,
        readiness: &readiness,
        deadline: deadline.as_ref(),
        routed: routed.as_ref().err(),
        running,
        calls: status::Calls { main, challenger: &challenger, collected },
    };
    status::update(&ctx, &state.expectations, &observed, &pass, now).await?;
    apply::prune(&ctx, &observed, &plan, answering, &challenger).await?;
    workloads.into_result()?;
    served?;
    routed?;
    let collects = main.is_some_and(|main| summaries::are_wanted(main, &challenger));
    let round =
        observed.md.uid().filter(|_| collects).and_then(|uid| state.rounds.due_in(&uid, Instant::now()));
    Ok(next_pass(&plan, &readiness, awaited, round, now))
}

/// When the next pass is if no event triggers one. `round` is when the summaries of main's pods are due.
fn next_pass(
    plan: &plan::Plan,
    readiness: &verify::Readiness,
    awaited: bool,
    round: Option<Duration>,
    now: Timestamp,
) -> Action {
    let heartbeat = HEARTBEAT.mul_f64(rand::rng().random_range(1.0..1.3));
    let heartbeat = round.map_or(heartbeat, |round| heartbeat.min(round.max(SOON)));
    let soon = readiness.changes_main() || readiness.is_waiting() || awaited;
    let wanted = if soon { SOON } else { heartbeat };
    let cooling = plan
        .warm_until
        .map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default() + Duration::from_millis(50));
    Action::requeue(cooling.map_or(wanted, |cooling| cooling.min(wanted)))
}

#[cfg(test)]
mod scenario_tests;
