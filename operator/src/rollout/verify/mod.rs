//! Whether main may change now. [`read`] reads facts from pods and from the API server, [`decide`] judges them.

mod decide;
mod facts;
mod read;
mod readiness;

pub use self::readiness::Readiness;
use super::{apply::Workloads, error::Error, observe::Observed, plan::Plan};
use crate::context::Context;

/// Judges the planned change of main by the present facts.
pub async fn verify(
    ctx: &Context,
    observed: &Observed,
    plan: &Plan,
    workloads: &Workloads,
) -> Result<Readiness, Error> {
    let facts = read::read(ctx, observed, &plan.next, workloads).await?;
    Ok(decide::decide(&observed.md, facts))
}
