//! The invariants I1 to I8 of what the operator does, checked at each of its writes and after each step.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use understudy_crds::names;

use super::{
    coverage::Met,
    ledger::{Switch, needed},
    objects::{
        DEPLOYMENT, Kind, Source, annotation, controller, digest, history, number, requested, selected,
        stage, text, uid,
    },
    people::Who,
    server::World,
    write::{Part, Write},
};

/// Seconds for which the operator may rely on the answer of a pod.
const ANSWERED: i64 = 6;

/// The uid of the present deployment, whether it is being deleted or not.
pub fn deployment_uid(world: &World) -> String {
    world.get(Kind::ModelDeployment, DEPLOYMENT).map_or("", |md| uid(md)).to_owned()
}

/// Checks a write that the API server has admitted.
pub fn on_write(world: &mut World, write: &Write<'_>) {
    let (before, after) = (write.before, write.after);
    if write.who != Who::Operator {
        return;
    }
    match (write.kind, before, after) {
        (Kind::ModelVersion, Some(before), Some(after)) => version(world, before, after),
        (Kind::ModelDeployment, Some(before), Some(after)) => deployment(world, before, after),
        (kind, Some(before), None) => deleted(world, kind, before),
        (kind, before, Some(after)) if write.part == Part::Main => owned(world, kind, before, after),
        _ => {}
    }
}

/// Checks what must hold after every step.
pub fn after_step(world: &mut World) {
    let served: Vec<_> =
        world.all(Kind::ModelVersion).filter(|v| stage(v) == "Production").cloned().collect();
    if served.len() > 1 {
        let names: Vec<_> = served.iter().map(|v| text(v, "/metadata/name")).collect();
        world.violates("I1", format!("{names:?} are in Production"));
    }
    let md = deployment_uid(world);
    // The Service of a deployment that was deleted stays until it is collected.
    let owner = world.get(Kind::Service, DEPLOYMENT).and_then(|service| controller(service));
    if world.ledger.tampered || md.is_empty() || owner != Some(&md) {
        return;
    }
    let serving = world.ledger.serving(&md).cloned();
    let reached: Vec<_> = world.reached().iter().map(|pod| pod.of.clone()).collect();
    for of in reached {
        if Some(&of) != serving.as_ref() {
            world.violates("I5", format!("callers reach {of:?}, and were switched to {serving:?}"));
        } else if !world.ledger.is_approved(&of, &["Production"], &md) {
            world.violates("I2", format!("callers reach {of:?}, which nobody approved for Production"));
        }
    }
}

fn version(world: &mut World, before: &Value, after: &Value) {
    let of = Source::of_version(after);
    let name = text(after, "/metadata/name");
    let known = history(before);
    for entry in history(after).iter().filter(|entry| !known.contains(entry)) {
        decision(world, before, entry, &of);
    }
    let grant = &after["status"]["transition"]["approval"];
    if grant.is_object() && !before["status"]["transition"]["approval"].is_object() {
        let transition = &after["status"]["transition"];
        let stands = requested(after) == text(transition, "/to")
            && number(transition, "/generation") == number(after, "/metadata/generation");
        if !stands {
            world.violates("I2", format!("an approval of {name} is recorded after its request ended"));
        }
    }
    let (from, to) = (stage(before), stage(after));
    if from == to {
        return;
    }
    let md = deployment_uid(world);
    // Switches of callers during this pass are none that it could know.
    let known = world.seats[world.writing].switches;
    let settled = world.ledger.switches.len() <= known;
    match to {
        "Production" => {
            if !world.ledger.is_approved(&of, &["Production"], &md) {
                world.violates("I2", format!("{name} is in Production, and nobody approved {of:?}"));
            }
            if settled && !world.ledger.tampered && world.ledger.serving(&md) != Some(&of) {
                world.violates("I1", format!("{name} is in Production, and callers do not reach it"));
            }
        }
        "Staging" if !world.ledger.is_approved(&of, &["Staging"], &md) => {
            world.violates("I2", format!("{name} is in Staging, and nobody approved {of:?}"));
        }
        _ => {}
    }
    if to == "Archived" {
        world.coverage.note(Met::Archived);
    }
    if from == "Production" && settled && !world.ledger.tampered && world.ledger.serving(&md) == Some(&of) {
        world.violates("I3", format!("{name} leaves Production while callers reach it"));
    }
}

fn decision(world: &mut World, before: &Value, entry: &Value, of: &Source) {
    let name = text(before, "/metadata/name");
    world.coverage.note(match text(entry, "/decision") {
        "Approved" => Met::Approval,
        "Rejected" => Met::Rejection,
        "Expired" => Met::Expiry,
        "TimedOut" => Met::TimeOut,
        "Withdrawn" if before["status"]["transition"]["approval"].is_object() => Met::WithdrawalAfterApproval,
        "Withdrawn" => Met::Withdrawal,
        _ => return,
    });
    if entry["decision"] != "Approved" {
        return;
    }
    let (id, to) = (text(entry, "/id"), text(entry, "/to"));
    let people: BTreeSet<&str> =
        entry["approvals"].as_array().into_iter().flatten().map(|grant| text(grant, "/by")).collect();
    let transition = &before["status"]["transition"];
    if people.len() < needed(transition) {
        world.violates("I2", format!("{name} is approved by {people:?} only: {transition}"));
    }
    let generation = number(transition, "/generation");
    let requester = world.ledger.requester(&of.uid, generation).map_or("nobody", Who::name);
    if text(entry, "/requestedBy") != requester {
        world.violates("I7", format!("the request of {requester} for {name} is recorded as {entry}"));
    }
    for by in people {
        let mut all = world.ledger.approvals.iter();
        if !all.any(|given| given.id == id && given.by == by && given.to == to && given.of == *of) {
            world.violates("I2", format!("an approval of {name} by {by} is recorded that nobody gave"));
        }
        if requester == by {
            world.violates("I7", format!("{by} approved what they requested for {name}: {entry}"));
        }
    }
    let md = world.get(Kind::ModelDeployment, DEPLOYMENT).cloned();
    let required = md.is_some_and(|md| text(&md, "/spec/approval/acceptanceTest") != "Optional");
    if to == "Production"
        && stage(before) == "Staging"
        && annotation(before, "accept") == "failed"
        && required
    {
        world.violates("I2", format!("{name} is approved for Production although its test has failed"));
    }
}

fn deployment(world: &mut World, before: &Value, after: &Value) {
    let (old, new) = (history(before), history(after));
    let same = |a: &Value, b: &Value| a["transition"] == b["transition"] && a["digest"] == b["digest"];
    if new.len() < old.len() || old.iter().zip(new).any(|(a, b)| !same(a, b)) {
        world.violates("I6", "the history of mains does not only grow");
    }
    let (was, main) = (&before["status"]["main"], &after["status"]["main"]);
    if was["transition"] == main["transition"] || world.ledger.tampered {
        return;
    }
    if main.is_null() {
        world.coverage.note(Met::TakeDown);
        if let Some(serving) = world.ledger.serving(uid(after)) {
            world.violates("I1", format!("no main is recorded, and callers reach {serving:?}"));
        }
        return;
    }
    let rolled_back = text(main, "/transition").starts_with("rollback:");
    world.coverage.note(if rolled_back { Met::Rollback } else { Met::Promotion });
    let serving = world.ledger.serving(uid(after));
    let recorded = serving.is_some_and(|of| of.uid == main["uid"] && of.digest == main["digest"]);
    if !recorded {
        world.violates("I1", format!("main is recorded as {main}, and callers reach {serving:?}"));
    }
}

fn deleted(world: &mut World, kind: Kind, before: &Value) {
    let md = deployment_uid(world);
    let name = text(before, "/metadata/name");
    let owner = controller(before).unwrap_or_default();
    if !world.ledger.owned.contains(uid(before)) {
        world.violates("I8", format!("{kind:?} {name} is deleted, and is not Understudy's"));
    }
    let Some(serving) = world.ledger.serving(&md).filter(|_| owner == md && kind == Kind::Workload) else {
        return;
    };
    // A person who deletes main on purpose ends it.
    let exists = world.all(Kind::ModelVersion).any(|mv| uid(mv) == serving.uid);
    if exists && !world.ledger.tampered && Source::of(before).number == serving.number {
        world.violates("I4", format!("Deployment {name} is deleted while callers reach it"));
    }
}

fn owned(world: &mut World, kind: Kind, before: Option<&Value>, after: &Value) {
    let name = text(after, "/metadata/name");
    if kind == Kind::Pod {
        return;
    }
    let owner = controller(after).unwrap_or_default().to_owned();
    if before.is_some_and(|before| !world.ledger.owned.contains(uid(before))) {
        world.violates("I8", format!("{kind:?} {name} is written, and is not Understudy's"));
    }
    match kind {
        Kind::Service if name == DEPLOYMENT => switch(world, &owner, after),
        Kind::Workload => workload(world, &owner, before, after),
        _ => {}
    }
}

fn workload(world: &mut World, owner: &str, before: Option<&Value>, after: &Value) {
    let of = Source::of(after);
    let changed = before.is_none_or(|before| Source::of(before) != of);
    if number(after, "/spec/replicas") > 0
        && changed
        && !world.ledger.is_approved(&of, &["Staging", "Production"], owner)
    {
        world.violates("I5", format!("pods of {of:?} start, which nobody approved"));
    }
    let Some(serving) = world.ledger.serving(owner).filter(|serving| serving.number == of.number) else {
        return;
    };
    if world.ledger.tampered {
        return;
    }
    if *serving != of {
        world.violates("I5", format!("the pods of {serving:?}, which callers reach, change to {of:?}"));
    } else if number(after, "/spec/replicas") < 1 {
        world.violates("I4", format!("the pods of {serving:?} are scaled to zero while callers reach them"));
    }
}

/// The operator writes the stable Service.
fn switch(world: &mut World, owner: &str, after: &Value) {
    let (number, transition) = (selected(after).to_owned(), annotation(after, "transition").to_owned());
    let known = world.ledger.switches.last().filter(|switch| switch.deployment == owner);
    let before = known.and_then(|switch| switch.to.clone());
    let same = known.is_some_and(|known| {
        known.transition == transition && known.to.as_ref().map_or("none", |of| &of.number) == number
    });
    if same {
        return;
    }
    let to = if number == "none" {
        if let Some(before) = &before
            && !may_leave(world, before)
        {
            world.violates("I4", format!("callers of {before:?} are sent to nobody"));
        }
        None
    } else {
        let found = candidate(world, &number, &transition, owner);
        if found.is_none() {
            let what = format!("callers are sent to {number} by {transition}, which does not stand");
            world.violates("I2", what);
        }
        found
    };
    world.ledger.switches.push(Switch { to, transition, deployment: owner.to_owned() });
}

/// What the pass on this seat has read, newest first, and then what there is.
fn views(world: &World, kind: Kind) -> Vec<Arc<Value>> {
    let reads = world.seats[world.writing].reads.iter().rev();
    let read = reads.filter(|(of, _)| *of == kind).map(|(_, object)| Arc::clone(object));
    read.chain(world.all(kind).cloned()).collect()
}

/// Whether main may go without another one: its version is gone, or leaves by its own approved request.
fn may_leave(world: &World, of: &Source) -> bool {
    let mine: Vec<_> = views(world, Kind::ModelVersion).into_iter().filter(|v| uid(v) == of.uid).collect();
    let leaves = |v: &Arc<Value>| {
        let transition = &v["status"]["transition"];
        transition["approval"].is_object() && transition["from"] == "Production"
    };
    let exists = world.all(Kind::ModelVersion).any(|v| uid(v) == of.uid);
    let unrecorded = |md: &Arc<Value>| !md["status"]["main"].is_object();
    !exists || mine.iter().any(leaves) || views(world, Kind::ModelDeployment).iter().any(unrecorded)
}

/// The version to which callers may be sent by this transition, which the pass has read itself.
fn candidate(world: &mut World, number: &str, transition: &str, owner: &str) -> Option<Source> {
    let versions = views(world, Kind::ModelVersion);
    let deployments: Vec<_> =
        views(world, Kind::ModelDeployment).into_iter().filter(|md| uid(md) == owner).collect();
    let is_main = |md: &Arc<Value>| {
        md["status"]["main"]["version"] == number && md["status"]["main"]["transition"] == transition
    };
    if deployments.iter().any(is_main) {
        // Callers are sent back to the main that is recorded.
        let mut earlier = world.ledger.switches.iter().rev();
        let found = earlier.find(|switch| switch.transition == transition && switch.deployment == owner);
        return found.and_then(|switch| switch.to.clone());
    }
    let request = transition.strip_prefix("rollback:");
    let stands = |v: &&Arc<Value>| {
        let own = &v["status"]["transition"];
        v["spec"]["version"] == number
            && match request {
                Some(request) => deployments.iter().any(|md| annotation(md, "rollback") == request),
                None => {
                    own["id"] == transition
                        && own["approval"].is_object()
                        && own["to"] == "Production"
                        && requested(v) == "Production"
                        && own["generation"] == v["metadata"]["generation"]
                        && own["digest"] == digest(v).as_str()
                }
            }
    };
    let of = versions
        .iter()
        .filter(stands)
        .map(|v| Source::of_version(v))
        .find(|of| world.ledger.is_approved(of, &["Production"], owner))?;
    let since = world.seats[world.writing].since.min(world.seconds) - ANSWERED;
    let wanted = deployments.iter().map(|md| number_of_pods(md)).min().unwrap_or(1);
    // The number of pods may have been raised after the pass began.
    let workload = names::version_object(DEPLOYMENT, number);
    let asked = world.get(Kind::Workload, &workload).map_or(1, |workload| number_of_pods(workload));
    let wanted = wanted.min(asked);
    let ready = world.pods.values().filter(|pod| pod.of == of && pod.was_ready_since(since)).count();
    if ready < wanted {
        world.violates("I4", format!("callers are sent to {of:?} with {ready} of {wanted} ready pods"));
    }
    Some(of)
}

/// The pods that main must have.
pub fn number_of_pods(md: &Value) -> usize {
    usize::try_from(number(md, "/spec/replicas")).unwrap_or(1).max(1)
}

/// Whether a version is main by the record of the deployment.
pub fn is_recorded(md: &Value, version: &Value) -> bool {
    let main = &md["status"]["main"];
    main["modelVersion"] == version["metadata"]["name"]
        && main["uid"] == version["metadata"]["uid"]
        && main["digest"] == digest(version).as_str()
}
