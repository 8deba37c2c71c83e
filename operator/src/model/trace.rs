//! A trace in progress: the steps of people, nodes, watches and the operator, one after the other, and then rest.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    act::Act,
    coverage::Met,
    invariants::{self, after_step},
    lock::lock,
    objects::{DEPLOYMENT, Kind, SLOTS},
    people::Who,
    process::{End, Process, Target},
    seat::Fault,
    server::World,
    time,
};

/// One step of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// A person acts.
    Act(Who, Act),
    /// One step of each of Kubernetes' controllers.
    Controllers,
    /// One pod becomes ready.
    Start,
    /// Controllers and nodes work until nothing changes.
    Settle,
    /// A pod of this version is not ready any more.
    Fail(u8),
    /// A watch delivers some events.
    See(Kind, u8),
    /// All watches deliver everything.
    SeeAll,
    /// A watch lists its kind again.
    List(Kind),
    /// A pass of the operator.
    Pass(Target, Fault),
    /// The pass that was held goes on.
    Resume,
    /// The process ends, and another one leads.
    Restart,
    /// Time passes.
    Wait(u32),
    /// Watches, nodes and the operator work until nothing changes.
    Calm,
}

/// A trace in progress.
pub struct Run {
    pub world: Arc<Mutex<World>>,
    pub process: Process,
}

impl Run {
    /// Begins with this world.
    pub fn new(world: World) -> Self {
        crate::clock::set(Some(time::at(world.seconds)));
        let world = Arc::new(Mutex::new(world));
        let process = Process::start(&world);
        Self { world, process }
    }

    /// Takes a step. Returns how a pass ended.
    pub async fn step(&mut self, step: Step) -> End {
        let mut end = End::None;
        match step {
            Step::Act(who, act) => {
                let mut world = lock(&self.world);
                if world.act(who, act).is_ok() && self.process.holds() {
                    world.coverage.note(Met::ActWithinPass);
                }
            }
            Step::Controllers => {
                lock(&self.world).controllers();
            }
            Step::Start => {
                lock(&self.world).start_pod();
            }
            Step::Settle => lock(&self.world).settle(),
            Step::Fail(version) => {
                lock(&self.world).fail_pod(SLOTS[usize::from(version) % SLOTS.len()].1);
            }
            Step::See(kind, most) => self.process.see(kind, most.into()),
            Step::SeeAll => self.process.see_all(),
            Step::List(kind) => self.process.list(kind),
            Step::Pass(target, fault) => {
                end = self.process.pass(target, fault).await;
            }
            Step::Resume => end = self.process.resume().await,
            Step::Restart => self.restart(),
            // A request is answered within seconds, or fails.
            Step::Wait(seconds) if self.process.holds() => self.wait(seconds.min(5)).await,
            Step::Wait(seconds) => self.wait(seconds).await,
            Step::Calm => {
                Box::pin(self.calm()).await;
            }
        }
        if end == End::Crashed {
            self.note_crash();
            self.restart();
        }
        after_step(&mut lock(&self.world));
        end
    }

    /// Lets time pass, for objects and for timers.
    pub async fn wait(&self, seconds: u32) {
        let now = {
            let mut world = lock(&self.world);
            world.seconds += i64::from(seconds);
            world.seconds
        };
        crate::clock::set(Some(time::at(now)));
        tokio::time::advance(Duration::from_secs(seconds.into())).await;
    }

    /// Every pass, again and again, until nobody writes any more. Returns false if that does not happen.
    pub async fn calm(&mut self) -> bool {
        if self.process.holds() {
            self.process.resume().await;
        }
        for _ in 0..40 {
            let before = lock(&self.world).tried;
            lock(&self.world).settle();
            self.process.see_all();
            if self.round().await.is_err() || lock(&self.world).violation.is_some() {
                return false;
            }
            let world = lock(&self.world);
            let quiet =
                world.tried == before && Kind::ALL.iter().all(|kind| self.process.has_seen(&world, *kind));
            drop(world);
            if quiet {
                return true;
            }
        }
        false
    }

    /// One pass of every object. An error is one that cannot pass by itself.
    pub async fn round(&mut self) -> Result<(), String> {
        for target in TARGETS {
            match self.process.pass(target, Fault::None).await {
                End::Crashed | End::Held => return Err(format!("a pass over {target:?} does not end")),
                _ => {}
            }
            after_step(&mut lock(&self.world));
        }
        Ok(())
    }

    fn restart(&mut self) {
        lock(&self.world).coverage.note(Met::Restart);
        self.process = Process::start(&self.world);
    }

    fn note_crash(&self) {
        let mut world = lock(&self.world);
        let uid = invariants::deployment_uid(&world);
        let md = world.get(Kind::ModelDeployment, DEPLOYMENT);
        let recorded = md.map(|md| md["status"]["main"]["transition"].clone());
        let switched = world.ledger.switches.last().filter(|switch| switch.deployment == uid);
        if switched.is_some_and(|s| s.to.is_some() && recorded.is_some_and(|r| r != s.transition.as_str())) {
            world.coverage.note(Met::CrashAfterSwitch);
        }
    }
}

/// All that passes are over.
pub const TARGETS: [Target; 5] =
    [Target::Version(0), Target::Version(1), Target::Version(2), Target::Version(3), Target::Deployment];
