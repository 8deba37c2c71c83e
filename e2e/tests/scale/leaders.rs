//! Leaders that die, standbys that die, and an upgrade.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::world::Installation;

/// From now on the leader has the timing of the chart.
pub async fn leads_promptly(all: &mut Installation<'_>) -> Result<()> {
    all.await_old_decisions().await;
    all.take_leader()?.terminate().await?;
    let mark = all.audit.mark()?;
    let next = all.prompt().start().await?;
    all.takes_over(next, mark).await
}

pub async fn the_leader_is_killed(all: &mut Installation<'_>) -> Result<()> {
    let standby = all.prompt().start().await?;
    standby.await_reachable().await?;
    let mark = all.audit.mark()?;
    all.take_leader()?.kill().await?;
    all.takes_over(standby, mark).await
}

pub async fn the_standby_is_killed(all: &mut Installation<'_>) -> Result<()> {
    let standby = all.prompt().start().await?;
    standby.await_reachable().await?;
    let mark = all.audit.mark()?;
    standby.kill().await?;
    all.rest().await?;
    let changes = all.audit.changes_since(mark)?;
    ensure!(changes.is_empty(), "{} writes after a standby was killed", changes.len());
    Ok(())
}

/// As a Deployment does it: the new operator is ready before the old one is told to end. `NEXT_OPERATOR_BINARY` may name the
/// program of another version.
pub async fn a_rolling_update(all: &mut Installation<'_>) -> Result<()> {
    let setup = all.prompt();
    let new = match std::env::var_os("NEXT_OPERATOR_BINARY") {
        Some(program) => setup.binary(Path::new(&program)).start().await?,
        None => setup.start().await?,
    };
    new.await_reachable().await?;
    let mark = all.audit.mark()?;
    let ended = all.take_leader()?.terminate().await?;
    ensure!(ended.success(), "the old operator ended with {ended}");
    all.takes_over(new, mark).await
}
