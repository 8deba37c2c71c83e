//! An operator whose objects are as they should be.

use anyhow::{Result, ensure};
use tokio::time::sleep;
use understudy_e2e::scale::Write;

use crate::world::Installation;

/// Nothing can be awaited that does not happen: the time is part of what is tested.
pub async fn nothing_is_written(all: &Installation<'_>) -> Result<()> {
    all.rest().await?;
    let mark = all.audit.mark()?;
    sleep(all.size.idle).await;
    let changes = all.audit.changes_since(mark)?;
    ensure!(changes.is_empty(), "{} writes, for example {:#?}", changes.len(), changes.first());
    // The log would be empty without an operator, too.
    let seen = all.audit.since(mark)?;
    ensure!(seen.iter().any(Write::is_lease), "the leader has renewed its Lease");
    ensure!(seen.iter().any(Write::is_dry_run), "the leader has tried the approval policy");
    Ok(())
}
