//! Short plans of attackers and of bad luck, which single random steps would rarely complete.

use std::collections::VecDeque;

use rand::{RngExt as _, rngs::StdRng};

use super::{
    act::{Act, Aim, place},
    objects::{DEPLOYMENT, Kind, requested, stage},
    people::Who,
    process::Target,
    seat::Fault,
    server::World,
    trace::Step,
};

/// A plan that makes sense now. It may be empty.
pub fn begin(world: &World, rng: &mut StdRng) -> VecDeque<Step> {
    let slot = rng.random_range(0..3);
    let Some(mv) = world.get(Kind::ModelVersion, place(slot).0) else { return VecDeque::new() };
    let transition = &mv["status"]["transition"];
    let ending = mv["metadata"]["deletionTimestamp"].is_string();
    let plan = match (stage(mv), transition["approval"].is_object()) {
        _ if ending => vec![],
        (_, true) if rng.random_bool(0.5) => switched_and_cut(slot, rng),
        (_, true) => withdrawn(slot, rng),
        ("Staging", _) if transition.is_object() => verdict_and_approval(slot, rng),
        ("Archived", _) => made_again(slot, rng),
        _ if rng.random_bool(0.3) => deployment_made_again(world, rng),
        _ if requested(mv) == "Staging" => made_again(slot, rng),
        _ => promoted(slot, rng),
    };
    plan.into()
}

/// A person who may approve.
pub fn approver(rng: &mut StdRng) -> Who {
    [Who::Bob, Who::Ben, Who::Bea][rng.random_range(0..3)]
}

fn act(who: Who, act: Act) -> Step {
    Step::Act(who, act)
}

fn look(version: u8) -> Vec<Step> {
    vec![Step::SeeAll, Step::Pass(Target::Version(version), Fault::None)]
}

/// The version is deleted, and made again with other bytes. Perhaps somebody lets the new one into Staging.
fn made_again(version: u8, rng: &mut StdRng) -> Vec<Step> {
    let bytes = 200 + u32::from(version);
    let mut plan = vec![
        act(if rng.random_bool(0.7) { Who::Alice } else { Who::Gina }, Act::Delete { version }),
        act(Who::Alice, Act::Create { version, bytes, staging: true }),
    ];
    if rng.random_bool(0.6) {
        plan.extend(look(version));
        plan.push(act(approver(rng), Act::Approve { version }));
        plan.extend(look(version));
    }
    if rng.random_bool(0.6) {
        plan.extend([Step::SeeAll, Step::Pass(Target::Deployment, Fault::None), Step::Settle]);
    }
    plan
}

/// Callers are switched, and the process ends within the same pass. Then the version is made again.
fn switched_and_cut(version: u8, rng: &mut StdRng) -> Vec<Step> {
    let fault = match rng.random_range(0..4) {
        0 => Fault::Hold(rng.random_range(2..8)),
        1 => Fault::Lose(rng.random_range(0..3)),
        _ => Fault::Crash(rng.random_range(0..3)),
    };
    let mut plan = vec![
        Step::SeeAll,
        Step::Pass(Target::Deployment, Fault::None),
        Step::Settle,
        Step::SeeAll,
        Step::Pass(Target::Deployment, fault),
    ];
    if rng.random_bool(0.6) {
        plan.extend(made_again(version, rng));
    }
    plan
}

/// An approved request is taken back, and made again.
fn withdrawn(version: u8, rng: &mut StdRng) -> Vec<Step> {
    let mut plan = vec![act(Who::Alice, Act::Withdraw { version })];
    plan.extend(look(version));
    plan.push(act(Who::Rita, Act::Request { version, to: Aim::Production }));
    if rng.random_bool(0.5) {
        plan.extend(look(version));
        plan.push(act(approver(rng), Act::Approve { version }));
        plan.extend(look(version));
    }
    plan
}

/// While nobody looks, a tester fails a version that an approver approves.
fn verdict_and_approval(version: u8, rng: &mut StdRng) -> Vec<Step> {
    let mut plan = vec![
        act(Who::Tess, Act::Accept { version, passed: rng.random_bool(0.3) }),
        act(approver(rng), Act::Approve { version }),
    ];
    if rng.random_bool(0.5) {
        plan.swap(0, 1);
    }
    plan.extend(look(version));
    plan
}

/// The deployment is deleted and made again, perhaps while no operator runs.
fn deployment_made_again(world: &World, rng: &mut StdRng) -> Vec<Step> {
    if world.get(Kind::ModelDeployment, DEPLOYMENT).is_none() {
        return vec![];
    }
    let create = Act::CreateDeployment { replicas: 1, required: true, approvers: 1 };
    let mut plan = vec![act(Who::Gina, Act::DeleteDeployment)];
    if rng.random_bool(0.3) {
        plan.extend([Step::Settle, Step::SeeAll, Step::Pass(Target::Version(0), Fault::None)]);
    }
    plan.push(act(Who::Gina, create));
    if rng.random_bool(0.5) {
        plan.push(Step::Restart);
    }
    plan.push(Step::Settle);
    plan
}

/// A version goes all the way to the switch.
fn promoted(version: u8, rng: &mut StdRng) -> Vec<Step> {
    let mut plan = vec![act(Who::Alice, Act::Request { version, to: Aim::Production })];
    plan.extend(look(version));
    plan.push(act(approver(rng), Act::Approve { version }));
    plan.extend(look(version));
    plan.extend(switched_and_cut(version, rng));
    plan
}
