//! How far an operator is, by its own metrics.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};

use super::audit::Audit;
use crate::{Metrics, bare::Operator};

/// The metrics count all objects whenever they are read, so they are not read more often.
const PACE: Duration = Duration::from_millis(100);
/// An operator that has nothing to do writes nothing for this long.
const SILENCE: Duration = Duration::from_secs(5);
/// Longer than any step takes.
const LIMIT: Duration = Duration::from_mins(15);

/// When every object had a pass.
#[derive(Clone, Copy, Debug)]
pub struct Looked {
    /// From the start of the wait until the operator led.
    pub until_leading: Duration,
    /// From then until every object had a pass.
    pub from_leading: Duration,
}

/// The passes that the operator has ended, of versions and of deployments.
pub async fn passes(operator: &Operator) -> Result<(u64, u64)> {
    Ok(ended(&operator.metrics().await?))
}

fn ended(metrics: &Metrics) -> (u64, u64) {
    let of = |controller| metrics.count("understudy_reconciles_total", &[("controller", controller)]);
    (of("modelversion"), of("modeldeployment"))
}

/// Waits until the operator leads and each of so many versions and deployments had a pass.
///
/// When an operator starts, each object of its first complete list is in the queue once. So each had a pass when there were
/// at least as many passes as objects, and no object waits.
pub async fn await_looked_at(operator: &Operator, versions: usize, deployments: usize) -> Result<Looked> {
    let (versions, deployments) = (u64::try_from(versions)?, u64::try_from(deployments)?);
    let (begun, mut led) = (Instant::now(), None);
    loop {
        // It does not listen at once.
        if let Ok(metrics) = operator.metrics().await {
            if led.is_none() && metrics.count("understudy_leader", &[]) == 1 {
                led = Some(Instant::now());
            }
            let (of_versions, of_deployments) = ended(&metrics);
            let had_a_pass = of_versions >= versions && of_deployments >= deployments;
            if let Some(led) = led
                && had_a_pass
                && metrics.count("understudy_workqueue_depth", &[]) == 0
            {
                return Ok(Looked { until_leading: led - begun, from_leading: led.elapsed() });
            }
        }
        ensure!(begun.elapsed() < LIMIT, "timed out: not every object had a pass");
        sleep(if led.is_none() { PACE / 5 } else { PACE }).await;
    }
}

/// Waits until no object waits for a pass, and the operator has changed nothing for some seconds.
pub async fn await_quiet(operator: &Operator, audit: &Audit) -> Result<()> {
    let begun = Instant::now();
    let (mut mark, mut busy) = (audit.mark()?, Instant::now());
    while busy.elapsed() < SILENCE {
        ensure!(begun.elapsed() < LIMIT, "timed out: the operator does not come to rest");
        sleep(PACE * 5).await;
        let metrics = operator.metrics().await.context("the operator serves its metrics")?;
        let now = audit.mark()?;
        if metrics.count("understudy_workqueue_depth", &[]) > 0 || !audit.changes_since(mark)?.is_empty() {
            busy = Instant::now();
        }
        mark = now;
    }
    Ok(())
}
