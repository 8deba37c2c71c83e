//! The time from exec to ready: S8.

use crate::{
    case::Case,
    in_process,
    load::middle,
    options::Options,
    pin::Pin,
    process::{Peer, Server},
    report::{Figure, Report},
    session_load,
};

const ROUNDS: usize = 5;

pub fn run(options: &Options, report: &mut Report) {
    for case in [Case::breast_cancer(1), Case::silero_vad(&options.fastapi), Case::magika(&options.fastapi)] {
        one(&case, options, report);
    }
}

fn one(case: &Case, options: &Options, report: &mut Report) {
    let pin = Pin::default();
    let sessions = pin.servers();
    let [mut ready, mut bare, mut loaded, mut fastapi, mut mlserver] = [const { Vec::new() }; 5];
    for round in 1..=ROUNDS {
        report.say(format_args!("{}: start {round} of {ROUNDS}", case.name));
        ready.push(Server::start(&case.file, &pin).ready_ms);
        bare.push(session_load::run(case, sessions, &pin));
        loaded.push(in_process::run(case, sessions, options.short_turn(), &pin).load_ms);
        fastapi.push(Peer::fastapi(&options.fastapi, 1, case, &pin).ready_ms);
        mlserver
            .extend(options.mlserver.as_ref().map(|packages| Peer::mlserver(packages, case, &pin).ready_ms));
    }
    let [ready, bare, loaded, fastapi] = [ready, bare, loaded, fastapi].map(middle);
    let of = format!(
        "ready {ready:.0} ms, ONNX Runtime and {sessions} sessions {bare:.0} ms, with warm-up {loaded:.0} ms"
    );
    let what = format!("{}, exec to ready without the session load", case.name);
    report.add(Figure::new("S8", what, ready - bare, "ms").at_most(60.0).of(of));
    let what = format!("{}, exec to ready without the session load and the first inferences", case.name);
    report.add(Figure::new("S8", what, ready - loaded, "ms"));
    report.add(Figure::new("S8", format!("{}, exec to ready, FastAPI", case.name), fastapi, "ms"));
    if !mlserver.is_empty() {
        let what = format!("{}, exec to ready, MLServer", case.name);
        report.add(Figure::new("S8", what, middle(mlserver), "ms"));
    }
}
