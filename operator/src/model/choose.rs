//! Chooses steps at random, with a bias towards those that can matter now: acts on what is in flight, and few writes that
//! are refused.

use std::collections::VecDeque;

use rand::{RngExt as _, rngs::StdRng};
use serde_json::Value;

use super::{
    act::{Act, Aim, Decided, place},
    gambit::{self, approver},
    objects::{BROKEN, DEPLOYMENT, Kind, SLOTS, annotation, history, is_ending, requested, stage, text},
    people::Who,
    process::{Process, Target},
    rules::Rules,
    seat::Fault,
    server::World,
    start::Start,
    trace::Step,
};

/// Where a trace begins, and under which rules.
pub fn beginning(rng: &mut StdRng) -> (Start, Rules, usize) {
    let start = match rng.random_range(0..10) {
        0 => Start::Empty,
        1..3 => Start::Serving,
        3..7 => Start::Approved,
        _ => Start::Replaced,
    };
    let rules =
        Rules { unsettled: rng.random_bool(0.5), authors: rng.random_bool(0.7), guard: rng.random_bool(0.9) };
    (start, rules, rng.random_range(6..24))
}

/// The kinds whose watches lag, those that matter most more often.
const KINDS: [Kind; 10] = [
    Kind::ModelVersion,
    Kind::ModelVersion,
    Kind::ModelVersion,
    Kind::ModelDeployment,
    Kind::ModelDeployment,
    Kind::Workload,
    Kind::Pod,
    Kind::Service,
    Kind::ConfigMap,
    Kind::Budget,
];

/// Chooses step after step.
#[derive(Default)]
pub struct Chooser {
    /// What follows of a gambit.
    planned: VecDeque<Step>,
}

impl Chooser {
    /// The next step: of a gambit that has begun, or another one.
    pub fn next(&mut self, world: &World, process: &Process, rng: &mut StdRng) -> Step {
        if self.planned.is_empty() && rng.random_bool(0.1) {
            self.planned = gambit::begin(world, rng);
        }
        // Anything may come between.
        if rng.random_bool(0.85)
            && let Some(step) = self.planned.pop_front()
        {
            return step;
        }
        step(world, process, rng)
    }
}

fn step(world: &World, process: &Process, rng: &mut StdRng) -> Step {
    let mut all = vec![];
    let holds = process.holds();
    let kind = KINDS[rng.random_range(0..KINDS.len())];
    all.extend([
        (if holds { 15 } else { 50 }, pass(world, rng)),
        (14, Step::SeeAll),
        (8, Step::See(kind, rng.random_range(1..4))),
        (1, Step::List(kind)),
        (3, Step::Controllers),
        (3, Step::Start),
        (10, Step::Settle),
        (2, Step::Fail(rng.random_range(0..2))),
        (2, Step::Wait(rng.random_range(1..8))),
        (1, Step::Wait(31)),
        (1, Step::Wait(700)),
        (2, Step::Restart),
        (1, Step::Calm),
    ]);
    if rng.random_bool(0.2) {
        all.push((1, Step::Wait(4000)));
    }
    if holds {
        all.push((20, Step::Resume));
    }
    deployment(world, rng, &mut all);
    for slot in 0..u8::try_from(SLOTS.len()).expect("few slots") {
        match world.get(Kind::ModelVersion, place(slot).0).cloned() {
            Some(mv) => version(&mv, slot, rng, &mut all),
            None => absent(world, slot, rng, &mut all),
        }
    }
    children(world, rng, &mut all);
    pick(&all, rng)
}

type Weighted = Vec<(u32, Step)>;

fn pick(all: &Weighted, rng: &mut StdRng) -> Step {
    let total: u32 = all.iter().map(|(weight, _)| weight).sum();
    let mut at = rng.random_range(0..total);
    for (weight, step) in all {
        if at < *weight {
            return *step;
        }
        at -= weight;
    }
    Step::SeeAll
}

fn pass(world: &World, rng: &mut StdRng) -> Step {
    let in_flight = (0..4).find(|slot| {
        let mv = world.get(Kind::ModelVersion, place(*slot).0);
        mv.is_some_and(|mv| mv["status"]["transition"].is_object() || requested(mv) != stage(mv))
    });
    let target = match (rng.random_range(0..10), in_flight) {
        (0..5, _) => Target::Deployment,
        (5..9, Some(slot)) => Target::Version(slot),
        _ => Target::Version(rng.random_range(0..4)),
    };
    let (requests, writes) = if target == Target::Deployment { (10, 5) } else { (4, 2) };
    let fault = match rng.random_range(0..20) {
        0..9 => Fault::None,
        9..13 => Fault::Hold(rng.random_range(0..requests)),
        // Early writes are those that change something.
        13..17 => Fault::Crash(rng.random_range(0..writes).min(rng.random_range(0..writes))),
        17..19 => Fault::Lose(rng.random_range(0..writes)),
        _ => Fault::Fail(rng.random_range(0..requests)),
    };
    Step::Pass(target, fault)
}

fn requester(rng: &mut StdRng) -> Who {
    [Who::Alice, Who::Alice, Who::Rita, Who::Bob, Who::Robot][rng.random_range(0..5)]
}

/// How many people must approve: mostly one.
fn approvers(rng: &mut StdRng) -> u8 {
    if rng.random_bool(0.3) { 2 } else { 1 }
}

fn deployment(world: &World, rng: &mut StdRng, all: &mut Weighted) {
    let Some(md) = world.get(Kind::ModelDeployment, DEPLOYMENT) else {
        let act = Act::CreateDeployment {
            replicas: rng.random_range(1..3),
            required: rng.random_bool(0.7),
            approvers: approvers(rng),
        };
        all.push((20, Step::Act(Who::Gina, act)));
        return;
    };
    let mut add = |weight, who, act| all.push((weight, Step::Act(who, act)));
    let kept = md["metadata"]["finalizers"].as_array().is_some_and(|all| !all.is_empty());
    if is_ending(md) {
        add(3, Who::Alice, Act::Finalize { version: None, kept: false });
    } else {
        add(if kept { 4 } else { 1 }, Who::Gina, Act::DeleteDeployment);
        if !kept {
            add(1, Who::Alice, Act::Finalize { version: None, kept: true });
        }
    }
    if md["status"]["main"].is_null() {
        add(1, Who::Alice, Act::DeleteDeployment);
    }
    add(1, Who::Alice, Act::Scale { replicas: rng.random_range(1..4) });
    add(1, Who::Gina, Act::Govern { required: rng.random_bool(0.6), approvers: approvers(rng) });
    for (slot, (name, _)) in (0..).zip(SLOTS) {
        let mv = world.get(Kind::ModelVersion, name);
        let was_main = mv.is_some_and(|mv| history(mv).iter().any(|entry| entry["from"] == "Production"));
        if was_main {
            add(3, approver(rng), Act::RollBack { to: slot });
        }
    }
    if md["metadata"]["annotations"]["understudy.dev/rollback"].is_string() {
        add(1, if rng.random_bool(0.5) { Who::Ben } else { Who::Alice }, Act::TakeBackRollback);
    }
}

fn absent(world: &World, slot: u8, rng: &mut StdRng, all: &mut Weighted) {
    let number = place(slot).1;
    let again = world.ledger.versions.values().filter(|known| known.number == number).count();
    let bytes = match (again, rng.random_range(0..8)) {
        (_, 0) => BROKEN + u32::from(slot),
        (0, _) | (_, 1) => u32::from(slot) + 1,
        (again, _) => 100 * (u32::try_from(again).unwrap_or(1)) % 800 + u32::from(slot),
    };
    let act = Act::Create { version: slot, bytes, staging: rng.random_bool(0.8) };
    // A name that was used before is what attackers want.
    let weight = match (slot, again) {
        (3, _) => 1,
        (_, 0) => 3,
        _ => 12,
    };
    all.push((weight, Step::Act(requester(rng), act)));
}

fn version(mv: &Value, slot: u8, rng: &mut StdRng, all: &mut Weighted) {
    let mut add = |weight, who, act| all.push((weight, Step::Act(who, act)));
    let version = slot;
    let transition = &mv["status"]["transition"];
    let approved = transition["approval"].is_object();
    let recorded = transition["approvals"]
        .as_array()
        .is_some_and(|all| all.iter().any(|grant| grant["by"] == annotation(mv, "approved-by")));
    let given = transition.is_object() && annotation(mv, "approve") == text(transition, "/id") && !recorded;
    let me = requester(rng);
    if is_ending(mv) {
        add(6, Who::Alice, Act::Finalize { version: Some(version), kept: false });
    } else if rng.random_bool(0.2) {
        add(1, Who::Alice, Act::Finalize { version: Some(version), kept: true });
    }
    match stage(mv) {
        _ if approved => {
            add(3, me, Act::Withdraw { version });
            add(4, Who::Alice, Act::Delete { version });
            add(1, Who::Gina, Act::Delete { version });
            add(1, me, Act::Request { version, to: Aim::Archived });
        }
        _ if transition.is_object() => {
            add(if given { 2 } else { 24 }, approver(rng), Act::Approve { version });
            add(2, approver(rng), Act::Reject { version });
            add(2, me, Act::Withdraw { version });
            add(1, me, Act::Delete { version });
            add(1, Who::Ben, Act::Replay { version });
        }
        _ if requested(mv) != stage(mv) => {
            add(1, me, Act::Withdraw { version });
            add(1, me, Act::Delete { version });
        }
        "None" => add(3, me, Act::Request { version, to: Aim::Staging }),
        "Staging" => {
            add(5, me, Act::Request { version, to: Aim::Production });
            add(1, me, Act::Request { version, to: Aim::Archived });
            add(1, me, Act::Delete { version });
        }
        "Production" => {
            add(1, me, Act::Request { version, to: Aim::Archived });
            add(1, me, Act::Request { version, to: Aim::Staging });
            add(1, Who::Gina, Act::Delete { version });
        }
        _ => {
            add(2, me, Act::Request { version, to: Aim::Staging });
            add(2, me, Act::Request { version, to: Aim::Production });
            add(2, me, Act::Delete { version });
        }
    }
    if stage(mv) == "Staging" {
        add(3, Who::Tess, Act::Accept { version, passed: rng.random_bool(0.7) });
        add(1, Who::Tess, Act::TakeBack { version, what: Decided::Verdict });
    }
    if given {
        let who = if rng.random_bool(0.7) { approver(rng) } else { Who::Alice };
        add(1, who, Act::TakeBack { version, what: Decided::Approval });
        add(1, who, Act::TakeBack { version, what: Decided::Rejection });
    }
}

fn children(world: &World, rng: &mut StdRng, all: &mut Weighted) {
    let owned = [Kind::Workload, Kind::Service, Kind::ConfigMap, Kind::Budget, Kind::Pod];
    let kind = owned[rng.random_range(0..owned.len())];
    let place = rng.random_range(0..4);
    all.push((2, Step::Act(Who::Alice, Act::DeleteChild { kind, place })));
    let needed = [Kind::Service, Kind::ConfigMap, Kind::Workload, Kind::Budget][rng.random_range(0..4)];
    if rng.random_bool(0.1) {
        let version = rng.random_range(0..3);
        all.push((1, Step::Act(Who::Alice, Act::Occupy { kind: needed, version })));
    }
    if !world.rules.guard {
        all.push((2, Step::Act(Who::Alice, Act::StripOwner { kind, place })));
        all.push((2, Step::Act(Who::Alice, Act::StripLabels { kind, place })));
        all.push((2, Step::Act(Who::Alice, Act::Divert { version: rng.random_range(0..3) })));
    }
}
