//! One point of the curve: so many models, and what they cost.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::time::sleep;
use understudy_crds::Stage;
use understudy_e2e::{
    bare::{Logs, Operator, Setup},
    scale::{
        Audit, Fleet, Looked, Paused, Responder, VERSIONS, Write, await_looked_at, await_quiet,
        promote_and_time, replay,
    },
};

/// Promotions at one point: of this many models, or of all that there are.
const PROMOTED: usize = 12;
/// Each of them is promoted to these versions.
const NEXT: std::ops::Range<usize> = 1..3;

/// An operator without a model.
pub struct Empty {
    pub start: Duration,
    pub memory: u64,
}

/// What so many versions cost.
pub struct Point {
    pub versions: usize,
    /// Writes from the start of an operator that finds new versions until it has no work.
    pub writes: usize,
    /// From the first to the last of them.
    pub took: Duration,
    /// The same writes as a bare loop.
    pub bare: Duration,
    pub promotions: Vec<Duration>,
    pub by_hand: Vec<Duration>,
    pub restart: Looked,
    pub restart_writes: usize,
    /// Events of decisions of the last minute, which a new leader repeats.
    pub repeated: usize,
    pub memory: u64,
    pub peak: u64,
    pub idle: Duration,
    pub idle_writes: usize,
    pub dry_runs: usize,
    pub renewals: usize,
}

/// The models so far.
pub struct Bench {
    fleet: Fleet,
    audit: Audit,
    logs: Logs,
    models: usize,
    started: usize,
    operator: Option<Operator>,
    _responder: Responder,
}

impl Bench {
    pub async fn new() -> Result<Self> {
        let fleet = Fleet::new("scale").await?;
        let responder = Responder::of(&fleet).await?;
        Ok(Self {
            fleet,
            audit: Audit::shared()?,
            logs: Logs::new()?,
            models: 0,
            started: 0,
            operator: None,
            _responder: responder,
        })
    }

    /// A further operator, with the timing of the chart. It may not lead yet.
    async fn start(&mut self) -> Result<Operator> {
        self.started += 1;
        Setup::new(self.fleet.server(), &self.logs, &format!("operator-{}", self.started))
            .prompt()
            .start()
            .await
    }

    async fn stop(&mut self) -> Result<()> {
        if let Some(operator) = self.operator.take() {
            operator.terminate().await?;
        }
        Ok(())
    }

    pub async fn empty(&mut self) -> Result<Empty> {
        let operator = self.start().await?;
        let start = operator.await_leading().await?;
        await_quiet(&operator, &self.audit).await?;
        let memory = operator.resident()?;
        self.operator = Some(operator);
        Ok(Empty { start, memory })
    }

    /// Adds models until there are so many, and measures.
    pub async fn measure(&mut self, models: usize, idle: Duration) -> Result<Point> {
        let new = self.models..models;
        let versions = models * VERSIONS;
        say(&format!("{versions} versions: creating"));
        self.stop().await?;
        self.fleet.publish(new.clone()).await?;
        self.models = models;
        let paused = Paused::now()?;
        say("the operator's writes");
        let mark = self.audit.mark()?;
        let operator = self.start().await?;
        await_looked_at(&operator, versions, models).await?;
        await_quiet(&operator, &self.audit).await?;
        let writes = self.audit.changes_since(mark)?;
        operator.terminate().await?;
        say("the bare loop");
        let twin = Fleet::new(&format!("twin-{models}")).await?;
        twin.publish(new.clone()).await?;
        let good: Vec<Write> = writes.iter().filter(|write| write.code < 300).cloned().collect();
        let bare = replay(&twin.server().client_of_account().await?, &good, &self.fleet, &twin).await?;
        twin.clear().await?;
        drop(paused);
        say("promotions");
        self.operator = Some(self.start().await?);
        self.fleet.bring(Fleet::firsts(new), Stage::Production).await?;
        self.rest().await?;
        let promoted = models.min(PROMOTED);
        let (promotions, by_hand) = promote_and_time(&self.fleet, promoted, next(models)).await?;
        self.rest().await?;
        say("a restart");
        if let Some(operator) = self.operator.take() {
            operator.kill().await?;
        }
        let mark = self.audit.mark()?;
        let operator = self.start().await?;
        let restart = await_looked_at(&operator, versions, models).await?;
        self.operator = Some(operator);
        self.rest().await?;
        let after = self.audit.changes_since(mark)?;
        let (events, changes): (Vec<_>, Vec<_>) = after.iter().partition(|write| write.resource == "events");
        let (repeated, restart_writes) = (events.len(), changes.len());
        say("idle");
        let mark = self.audit.mark()?;
        sleep(idle).await;
        let seen = self.audit.since(mark)?;
        let operator = self.operator.as_ref().context("it was started above")?;
        Ok(Point {
            versions,
            took: span(&good),
            writes: good.len(),
            bare,
            promotions,
            by_hand,
            restart,
            restart_writes,
            repeated,
            memory: operator.resident()?,
            peak: operator.peak()?,
            idle,
            idle_writes: seen.iter().filter(|write| write.is_change()).count(),
            dry_runs: seen.iter().filter(|write| write.is_dry_run()).count(),
            renewals: seen.iter().filter(|write| write.is_lease()).count(),
        })
    }

    async fn rest(&self) -> Result<()> {
        await_quiet(self.operator.as_ref().context("an operator runs")?, &self.audit).await
    }
}

/// The versions that the models are promoted to at this point: others than at the points before.
fn next(models: usize) -> std::ops::Range<usize> {
    let round = usize::try_from(models.ilog10()).unwrap_or_default();
    (NEXT.start + round * NEXT.len())..(NEXT.end + round * NEXT.len())
}

/// From the first of these writes to the last one.
fn span(writes: &[Write]) -> Duration {
    let first = writes.iter().map(|write| write.received).min();
    let last = writes.iter().map(|write| write.answered).max();
    first.zip(last).map_or(Duration::ZERO, |(first, last)| last.duration_since(first).unsigned_abs())
}

/// What is measured now.
fn say(what: &str) {
    use std::sync::OnceLock;
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    println!("  {:>4} s  {what}", BEGUN.get_or_init(Instant::now).elapsed().as_secs());
}
