//! The controller of `ModelDeployment`: pods for the versions that need them, and one Service that selects main.
//!
//! The order protects callers and the record: first pods, then a real inference on each, then the Service, then the
//! status with the new main, then the routing of the pods. If a pass is interrupted, the next one continues, because each
//! step is derived from the present state.

mod apply;
mod build;
mod challenger;
mod closing;
mod columns;
mod comparison;
mod data_issue;
mod deadline;
mod drift;
mod error;
mod evaluation;
mod figures;
mod observe;
mod plan;
mod prune;
mod roll;
mod rollback;
mod rounds;
mod routed;
mod running;
mod state;
mod status;
mod summaries;
mod verify;
mod waves;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use kube::ResourceExt;
use rand::RngExt as _;
use understudy_crds::ModelDeployment;

pub use self::{error::Error, state::State, waves::Waves};
use self::{routed::Routed, running::Running};
use crate::{clock, context::Context, controller::Action};

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
    if md.is_collected() {
        return Ok(Action::await_change());
    }
    let now = clock::now();
    let observed = observe::observe(&md, &ctx);
    let judged = challenger::judge(&observed, observed.current());
    let plan = plan::plan(&observed, &judged, now);
    let workloads = Box::pin(apply::workloads(&ctx, &state.waves, &observed, &plan)).await;
    let readiness = verify::verify(&ctx, &observed, &plan, &workloads).await?;
    if readiness.is_outdated() {
        return Err(Error::Outdated { name: observed.md.name_any() });
    }
    let deadline = deadline::judge(&observed, &plan.next, &readiness, state.leading_since, now);
    let (answering, main) = (readiness.answering(&observed, &plan), readiness.main(&plan));
    // Judged again next to a new main: a version that has just become main is not its own challenger.
    let judged = if readiness.changes_main() { challenger::judge(&observed, main) } else { judged };
    let main = main.map(AsRef::as_ref);
    let mut routed = match apply::switch(&ctx, &observed, answering, readiness.changes_main()).await {
        // Nothing is reported from an old view, or while it is unknown whom callers reach.
        Err(error) if error.had_no_effect() || error.is_uncertain() => return Err(error),
        service => Routed::new(service),
    };
    let switch = status::Pass {
        plan: &plan,
        workloads: &workloads,
        readiness: &readiness,
        deadline: deadline.as_ref(),
        routed: &routed,
        running: Running::unprobed(answering.map(|answering| answering.version)),
        calls: status::Calls { main, challenger: &judged, collected: None },
    };
    let recorded = status::record_main(&ctx, &observed, &switch, now).await;
    let (challenger, served) = apply::challenger(&ctx, &observed, judged).await;
    let accepted = challenger.accepted().map(AsRef::as_ref);
    let version = answering.map(|answering| answering.version);
    let routing = build::routing(&observed.md, version, main, accepted);
    // The routing depends on main's version. If that cannot be read, the pods keep the routing that they have.
    let keeps_routing = observed.main_is_unreadable() && !readiness.changes_main();
    if !keeps_routing {
        apply::follow(&ctx, &observed, &mut routed, version, &routing).await;
    }
    // Without its record, the rest cannot be reported. The next pass records it.
    let recorded = recorded?;
    let running = running::running(&ctx, &observed, answering, &readiness, routed.has_callers()).await;
    let collected = summaries::collect(&ctx, &state.rounds, &observed, main, &challenger, &readiness);
    let next_look = running.next_look();
    let pass = status::Pass {
        plan: &plan,
        workloads: &workloads,
        readiness: &readiness,
        routed: &routed,
        deadline: deadline.as_ref(),
        running,
        calls: status::Calls { main, challenger: &challenger, collected },
    };
    let kept = prune::Kept::new(&observed, &plan, version, &challenger);
    prune::forget(&ctx, &kept).await?;
    status::update(&ctx, &observed, &pass, recorded.as_ref(), now).await?;
    prune::prune(&ctx, &kept).await?;
    workloads.into_result()?;
    served?;
    routed.into_result()?;
    let collects = main.is_some_and(|main| summaries::are_wanted(main, &challenger));
    let round =
        observed.md.uid().filter(|_| collects).and_then(|uid| state.rounds.due_in(&uid, Instant::now()));
    Ok(next_pass(&plan, &readiness, next_look, round, now))
}

/// When the next pass is if no event triggers one. `next_look` is when main may be probed again if it does not answer, `round` is when the summaries of main's pods are due.
fn next_pass(
    plan: &plan::Plan,
    readiness: &verify::Readiness,
    next_look: Option<Duration>,
    round: Option<Duration>,
    now: Timestamp,
) -> Action {
    let heartbeat = HEARTBEAT.mul_f64(rand::rng().random_range(1.0..1.3));
    let heartbeat = round.map_or(heartbeat, |round| heartbeat.min(round.max(SOON)));
    let soon = readiness.changes_main() || readiness.is_waiting();
    let wanted = if soon { SOON } else { heartbeat.min(next_look.unwrap_or(heartbeat)) };
    let cooling = plan
        .warm_until
        .map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default() + Duration::from_millis(50));
    Action::requeue(cooling.map_or(wanted, |cooling| cooling.min(wanted)))
}

#[cfg(test)]
mod deadline_scenario_tests;
#[cfg(test)]
mod roll_tests;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod scenario_tests;
#[cfg(test)]
mod silence_tests;
#[cfg(test)]
mod switch_tests;
#[cfg(test)]
mod unreadable_tests;
