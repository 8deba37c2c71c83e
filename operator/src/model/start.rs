//! Worlds in which traces begin, so that interesting steps come soon. Each is made by steps itself.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    act::{Act, Aim},
    coverage::Coverage,
    invariants::on_write,
    lock::lock,
    people::Who,
    process::Target,
    seat::Fault,
    server::World,
    trace::{Run, Step},
};

/// Where a trace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Start {
    /// Nothing exists.
    Empty,
    /// The first version is main, the second one is accepted in Staging.
    Serving,
    /// The second version is approved for Production, and its pods are not all ready.
    Approved,
    /// The second version is main, and the first one is kept warm.
    Replaced,
}

impl Start {
    fn steps(self) -> (Self, Vec<Step>) {
        let act = Step::Act;
        match self {
            Self::Empty => (self, vec![]),
            Self::Serving => {
                let mut steps = vec![
                    act(Who::Gina, Act::CreateDeployment { replicas: 2, required: true, approvers: 1 }),
                    Step::Calm,
                ];
                steps.extend(staged(0));
                steps.extend(promoted(0));
                steps.extend(staged(1));
                (Self::Empty, steps)
            }
            Self::Approved => (
                Self::Serving,
                vec![
                    act(Who::Alice, Act::Request { version: 1, to: Aim::Production }),
                    Step::Calm,
                    act(Who::Bob, Act::Approve { version: 1 }),
                    Step::SeeAll,
                    Step::Pass(Target::Version(1), Fault::None),
                ],
            ),
            Self::Replaced => (Self::Serving, promoted(1)),
        }
    }
}

fn staged(version: u8) -> Vec<Step> {
    vec![
        Step::Act(Who::Alice, Act::Create { version, bytes: u32::from(version) + 1, staging: true }),
        Step::Calm,
        Step::Act(Who::Bob, Act::Approve { version }),
        Step::Calm,
        Step::Act(Who::Tess, Act::Accept { version, passed: true }),
        Step::Calm,
    ]
}

fn promoted(version: u8) -> Vec<Step> {
    vec![
        Step::Act(Who::Alice, Act::Request { version, to: Aim::Production }),
        Step::Calm,
        Step::Act(Who::Bob, Act::Approve { version }),
        Step::Calm,
        // A second later than the switch, and long before the previous main is not kept warm any more.
        Step::Wait(61),
        Step::Calm,
    ]
}

static WORLDS: LazyLock<Mutex<HashMap<Start, World>>> = LazyLock::new(Mutex::default);

/// The world of this start, with an empty log.
pub async fn world(start: Start) -> World {
    let known = WORLDS.lock().unwrap_or_else(PoisonError::into_inner).get(&start).cloned();
    if let Some(known) = known {
        return known;
    }
    let (base, steps) = start.steps();
    let world = if base == start { World::checked_by(on_write) } else { Box::pin(world(base)).await };
    let mut run = Run::new(world);
    for step in steps {
        run.step(step).await;
    }
    let mut world = lock(&run.world).clone();
    assert_eq!(world.violation, None, "the start {start:?}");
    world.log.clear();
    world.coverage = Coverage::default();
    world.tried = 0;
    WORLDS.lock().unwrap_or_else(PoisonError::into_inner).insert(start, world.clone());
    world
}
