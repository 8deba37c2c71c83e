//! What must hold in the end, when faults and acts have stopped and all caches have caught up.

use serde_json::Value;

use super::{
    act::place,
    invariants::{is_recorded, number_of_pods},
    lock::lock,
    objects::{
        BROKEN, DEPLOYMENT, Kind, SLOTS, annotation, digest, is_ending, number, requested, selected, sha256,
        stage, text, uid,
    },
    process::End,
    seat::Fault,
    server::World,
    trace::{Run, TARGETS},
};
use understudy_crds::names;

/// Times that pass until every deadline is over: of own writes, of roll-outs and warm pods, of requests.
const WAITS: [u32; 3] = [40, 700, 7200];
/// The same in one, for traces that make few passes.
const ALL_AT_ONCE: [u32; 1] = [8000];

impl Run {
    /// Lets everything come to rest, and checks what is left. Then makes this many passes of each object, none of which
    /// may write.
    pub async fn rest(&mut self, passes: usize) {
        let waits = if passes > 0 { &WAITS[..] } else { &ALL_AT_ONCE };
        for seconds in waits.iter().copied() {
            if !self.calm().await {
                let ends = self.ends().await;
                lock(&self.world).violates("rest", format!("writes without end: {ends}"));
                return;
            }
            self.wait(seconds).await;
        }
        if !self.calm().await {
            lock(&self.world).violates("rest", "writes without end after all deadlines");
            return;
        }
        let before = lock(&self.world).tried;
        for pass in 0..passes {
            for target in TARGETS {
                let end = self.process.pass(target, Fault::None).await;
                let mut world = lock(&self.world);
                let fine = match &end {
                    End::None | End::Done => true,
                    End::Foreign => world.ledger.tampered,
                    _ => false,
                };
                if !fine {
                    world.violates("rest", format!("pass {pass} over {target:?} ended: {end:?}"));
                }
                if world.tried != before {
                    world.violates("rest", format!("pass {pass} over {target:?} writes"));
                }
                if world.violation.is_some() {
                    return;
                }
            }
            self.wait(35).await;
        }
        at_rest(&mut lock(&self.world));
    }

    /// How one pass of each object ends now.
    async fn ends(&mut self) -> String {
        let mut ends = vec![];
        for target in TARGETS {
            match self.process.pass(target, Fault::None).await {
                End::None | End::Done => {}
                end => ends.push(format!("{target:?}: {end:?}")),
            }
        }
        ends.join(", ")
    }
}

fn at_rest(world: &mut World) {
    if world.ledger.tampered {
        return;
    }
    let found = match world.get(Kind::ModelDeployment, DEPLOYMENT).cloned() {
        Some(md) => with_deployment(world, &md),
        None => without_deployment(world),
    };
    if let Err(what) = found {
        world.violates("rest", what);
    }
}

type Found = Result<(), String>;

fn without_deployment(world: &World) -> Found {
    for mv in world.all(Kind::ModelVersion).filter(|mv| !is_ending(mv)) {
        if ["Staging", "Production"].contains(&stage(mv)) || mv["status"]["transition"].is_object() {
            return Err(format!("no deployment exists, and {} is as before", text(mv, "/metadata/name")));
        }
    }
    match world.objects.iter().find(|((kind, _), _)| kind.is_owned()) {
        Some(((kind, name), _)) => Err(format!("no deployment exists, and {kind:?} {name} does")),
        None => Ok(()),
    }
}

fn with_deployment(world: &World, md: &Value) -> Found {
    for mv in world.all(Kind::ModelVersion) {
        version(world, md, mv)?;
    }
    rollback(md)?;
    let main = &md["status"]["main"];
    let Some(service) = world.get(Kind::Service, DEPLOYMENT) else {
        return Err("the stable Service does not exist".to_owned());
    };
    if main.is_null() {
        let selected = selected(service);
        return if selected == "none" {
            Ok(())
        } else {
            Err(format!("no main, and callers reach {selected}"))
        };
    }
    let name = text(main, "/modelVersion");
    let Some(version) = world.get(Kind::ModelVersion, name).filter(|mv| is_recorded(md, mv)) else {
        return Err(format!("main is {main}, and no such ModelVersion exists"));
    };
    if stage(version) != "Production" {
        return Err(format!("{name} is main, and its stage is {}", stage(version)));
    }
    let serving = world.ledger.serving(uid(md));
    if serving.is_none_or(|of| of.uid != uid(version)) {
        return Err(format!("{name} is main, and callers were switched to {serving:?}"));
    }
    if selected(service) != main["version"] || annotation(service, "transition") != main["transition"] {
        return Err(format!("callers do not follow {name}, which is main: {service}"));
    }
    let (reached, wanted) = (world.reached().len(), number_of_pods(md));
    if is_sound(version) && reached < wanted {
        return Err(format!("{reached} of {wanted} pods of main answer callers"));
    }
    Ok(())
}

fn version(world: &World, md: &Value, mv: &Value) -> Found {
    let name = text(mv, "/metadata/name");
    // Nobody decides about a version whose number another one has.
    if mv["status"]["transition"].is_object() && !is_duplicate(world, mv) {
        return Err(format!("{name} has a request that does not end: {}", mv["status"]["transition"]));
    }
    let stage = stage(mv);
    if stage == "Production" && !is_recorded(md, mv) {
        return Err(format!("{name} is in Production, and main is {}", md["status"]["main"]));
    }
    let object = names::version_object(DEPLOYMENT, text(mv, "/spec/version"));
    let workload = world.get(Kind::Workload, &object);
    match stage {
        "Staging" if workload.is_none() => Err(format!("{name} is in Staging, and has no pods")),
        "None" | "Archived" if workload.is_some() && !is_shared(world, mv) && !is_warm(world, md, mv) => {
            Err(format!("{name} is in {stage}, and has pods"))
        }
        _ => Ok(()),
    }
}

/// Whether the pods of this version are kept for a rollback.
fn is_warm(world: &World, md: &Value, mv: &Value) -> bool {
    let previous = &md["status"]["previous"];
    previous["uid"] == uid(mv) && *text(previous, "/warmUntil") > *world.time()
}

/// Whether another version has the same number.
fn is_duplicate(world: &World, mv: &Value) -> bool {
    world
        .all(Kind::ModelVersion)
        .any(|other| uid(other) != uid(mv) && other["spec"]["version"] == mv["spec"]["version"])
}

/// Whether another version with the same number is served.
fn is_shared(world: &World, mv: &Value) -> bool {
    let mut all = world.all(Kind::ModelVersion);
    all.any(|other| {
        other["spec"]["version"] == mv["spec"]["version"] && ["Staging", "Production"].contains(&stage(other))
    })
}

fn rollback(md: &Value) -> Found {
    let request = annotation(md, "rollback");
    let status = &md["status"]["rollback"];
    if request.is_empty() || (status["request"] == request && status["result"] != "Pending") {
        return Ok(());
    }
    Err(format!("the rollback {request} gets no answer: {status}"))
}

fn is_sound(version: &Value) -> bool {
    digest(version) < format!("sha256:{}", sha256(BROKEN))
}

/// What a world looks like, for people who read about a failure.
pub fn sketch(world: &World) -> String {
    let mut lines = vec![];
    if let Some(md) = world.get(Kind::ModelDeployment, DEPLOYMENT) {
        let ending = if is_ending(md) { ", ending" } else { "" };
        lines.push(format!(
            "ModelDeployment {}{ending}: main {}, previous {}, rollout {}, rollback {}",
            uid(md),
            md["status"]["main"],
            md["status"]["previous"],
            md["status"]["rollout"],
            md["status"]["rollback"]
        ));
    }
    for slot in 0..u8::try_from(SLOTS.len()).expect("few slots") {
        let Some(mv) = world.get(Kind::ModelVersion, place(slot).0) else { continue };
        lines.push(format!(
            "{} {} {}: {} -> {}, generation {}, transition {}, annotations {}, history {}",
            text(mv, "/metadata/name"),
            uid(mv),
            &digest(mv)[64..],
            stage(mv),
            requested(mv),
            number(mv, "/metadata/generation"),
            mv["status"]["transition"],
            mv["metadata"]["annotations"],
            mv["status"]["history"],
        ));
    }
    for pod in world.pods.values().filter(|pod| !pod.gone) {
        lines.push(format!("pod {} of {:?}, ready: {}", pod.name, pod.of, pod.ready));
    }
    if let Some(service) = world.get(Kind::Service, DEPLOYMENT) {
        lines.push(format!("Service selects {} by {}", selected(service), annotation(service, "transition")));
    }
    lines.join("\n")
}
