//! The controller of `ModelDeployment`: pods for the versions that need them, and one Service that says who answers.
//!
//! The order is what keeps callers safe: pods first, then a real inference on each, then the Service, then the word to
//! the pods, then the record. A pass that was cut short anywhere is continued by the next, since each step is derived
//! from what is there.

mod apply;
mod build;
mod error;
mod observe;
mod plan;
pub mod probe;
pub mod recorded;
mod rollback;
mod status;
mod verify;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kube::runtime::controller::Action;
use rand::RngExt as _;
use understudy_crds::ModelDeployment;

pub use error::Error;

use crate::context::Context;

/// Between two looks at whether main still answers, while nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// After a switch, or while something does not answer yet.
const SOON: Duration = Duration::from_secs(1);

/// One pass over one deployment.
pub async fn reconcile(md: Arc<ModelDeployment>, ctx: Arc<Context>) -> Result<Action, Error> {
    if md.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    if ctx.recorded.is_ahead_of(&md) {
        // The event of the record wakes this deployment.
        return Ok(Action::requeue(SOON));
    }
    let now = Context::now();
    let observed = observe::observe(&md, &ctx);
    let plan = plan::plan(&observed, now);
    let workloads = apply::workloads(&ctx, &observed, &plan).await;
    let verdict = verify::verify(&ctx, &observed, &plan, &workloads).await?;
    let answering = verdict.answering(&observed, &plan);
    let routed = apply::routing(&ctx, &observed, &plan, answering).await;
    let running = probe::running(&ctx, &observed, answering, &verdict, routed.is_ok()).await;
    let awaited = running.is_awaited();
    let facts = status::Facts {
        plan: &plan,
        workloads: &workloads,
        verdict: &verdict,
        routed: routed.as_ref().err(),
        running,
    };
    status::update(&ctx, &observed, &facts, now).await?;
    apply::prune(&ctx, &observed, &plan, answering).await?;
    workloads.into_result()?;
    routed?;
    Ok(next_look(&plan, &verdict, awaited, now))
}

fn next_look(plan: &plan::Plan, verdict: &verify::Verdict, awaited: bool, now: Timestamp) -> Action {
    let heartbeat = HEARTBEAT.mul_f64(rand::rng().random_range(1.0..1.3));
    let soon = verdict.changes_main() || verdict.waits_for_answer() || awaited;
    let wanted = if soon { SOON } else { heartbeat };
    let cooling = plan
        .warm_until
        .map(|at| Duration::try_from(at.duration_since(now)).unwrap_or_default() + Duration::from_millis(50));
    Action::requeue(cooling.map_or(wanted, |cooling| cooling.min(wanted)))
}
