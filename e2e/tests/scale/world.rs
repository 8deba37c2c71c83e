//! The installation that all steps share.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Instant, sleep_until};
use understudy_crds::Stage;
use understudy_e2e::{
    bare::{ControlPlane, Logs, Operator, Setup},
    scale::{Audit, Fleet, Responder, VERSIONS, await_looked_at, await_quiet},
};

/// Time from leading until every object had a pass.
const LOOK: Duration = Duration::from_secs(10);
/// Resident memory of an operator with 10,000 versions.
const MEMORY: u64 = 80 << 20;

/// How many models, and how long the operator must be silent.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub models: usize,
    pub idle: Duration,
}

impl Size {
    /// The size of `SCALE`.
    pub fn chosen() -> Result<Self> {
        match std::env::var("SCALE").as_deref() {
            Err(_) | Ok("share") => Ok(Self { models: 100, idle: Duration::from_secs(20) }),
            Ok("whole") => Ok(Self { models: 1000, idle: Duration::from_mins(5) }),
            Ok(other) => bail!("SCALE is {other:?}: use share or whole"),
        }
    }
}

/// Models, and the operator that leads.
pub struct Installation<'a> {
    pub size: Size,
    pub fleet: Fleet,
    pub audit: Audit,
    /// Versions that were not deleted.
    pub versions: usize,
    server: &'a ControlPlane,
    logs: &'a Logs,
    started: usize,
    /// When the last decision was made.
    decided: Instant,
    leader: Option<Operator>,
    _responder: Responder,
}

impl<'a> Installation<'a> {
    /// No models yet, and no operator.
    pub async fn new(size: Size, server: &'a ControlPlane, logs: &'a Logs) -> Result<Self> {
        let fleet = Fleet::new("scale").await?;
        let responder = Responder::of(&fleet).await?;
        Ok(Self {
            size,
            fleet,
            audit: Audit::shared()?,
            versions: size.models * VERSIONS,
            server,
            logs,
            started: 0,
            decided: Instant::now(),
            leader: None,
            _responder: responder,
        })
    }

    /// One more operator. It leads when no other one does.
    fn setup(&mut self) -> Setup<'a> {
        self.started += 1;
        Setup::new(self.server, self.logs, &format!("operator-{}", self.started))
    }

    /// One more operator with the timing of the chart.
    pub fn prompt(&mut self) -> Setup<'a> {
        self.setup().prompt()
    }

    /// Starts the first operator, and waits until it has looked at everything. It keeps leading while the API server is
    /// busy with what the test makes.
    pub async fn lead(&mut self) -> Result<()> {
        let operator = self.setup().start().await?;
        await_looked_at(&operator, self.versions, self.size.models).await?;
        self.leader = Some(operator);
        Ok(())
    }

    /// The operator that leads.
    pub fn leader(&self) -> Result<&Operator> {
        self.leader.as_ref().context("an operator leads")
    }

    /// Takes the operator that leads, to end it.
    pub fn take_leader(&mut self) -> Result<Operator> {
        self.leader.take().context("an operator leads")
    }

    /// From now on this one leads: it looks at every object within 10 s of leading, changes nothing, and is not larger than
    /// the limit.
    pub async fn takes_over(&mut self, operator: Operator, mark: u64) -> Result<()> {
        let looked = await_looked_at(&operator, self.versions, self.size.models).await?;
        ensure!(
            looked.from_leading <= LOOK,
            "every object had a pass {:?} after leading",
            looked.from_leading
        );
        self.leader = Some(operator);
        self.rest().await?;
        let changes = self.audit.changes_since(mark)?;
        let first: Vec<_> =
            changes.iter().take(3).map(|w| format!("{} {} {}", w.verb, w.uri, w.body)).collect();
        ensure!(changes.is_empty(), "{} writes, the first of which are {first:#?}", changes.len());
        let memory = self.leader()?.resident()?;
        println!("  {:?} from leading to the last first pass, {} MB", looked.from_leading, memory >> 20);
        ensure!(memory <= MEMORY, "{memory} bytes of resident memory");
        Ok(())
    }

    /// The first version of each model becomes main.
    pub async fn promote(&mut self) -> Result<()> {
        self.fleet.bring(Fleet::firsts(0..self.size.models), Stage::Production).await?;
        self.rest().await?;
        self.decided = Instant::now();
        Ok(())
    }

    /// A new leader repeats the events of decisions of the last minute, in case that its predecessor died before it had written them.
    /// Waits until no decision is so young.
    pub async fn await_old_decisions(&self) {
        sleep_until(self.decided + Duration::from_secs(61)).await;
    }

    /// Waits until the operator has nothing to do.
    pub async fn rest(&self) -> Result<()> {
        await_quiet(self.leader()?, &self.audit).await
    }
}
