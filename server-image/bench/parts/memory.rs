//! Resident memory without work, and its growth under load: S7.

use std::time::{Duration, Instant};

use crate::{
    case::Case,
    load::{self, Wire},
    options::Options,
    pin::Pin,
    process::{Peer, Server},
    report::{Figure, Report},
};

/// Until the allocator has returned what the start needed.
const REST: Duration = Duration::from_secs(5);

pub fn run(options: &Options, report: &mut Report) {
    let pin = Pin::default();
    let cases = [
        (Case::breast_cancer(1), Some(36.0)),
        (Case::magika(&options.fastapi), Some(50.0)),
        (Case::silero_vad(&options.fastapi), None),
    ];
    for (case, most) in &cases {
        let server = Server::start(&case.file, &pin);
        std::thread::sleep(REST);
        let figure = idle(case, "Understudy", server.resident_mb());
        report.add(if let Some(most) = most { figure.at_most(*most) } else { figure });
        drop(server);
        let peer = Peer::fastapi(&options.fastapi, 1, case, &pin);
        report.add(idle(case, "FastAPI, 1 process", peer.resident_mb()));
        drop(peer);
        if let Some(packages) = &options.mlserver {
            let peer = Peer::mlserver(packages, case, &pin);
            report.add(idle(case, "MLServer", peer.resident_mb()));
        }
    }
    for (case, _) in &cases[..2] {
        growth(case, options, report);
    }
}

fn idle(case: &Case, server: &str, resident: f64) -> Figure {
    Figure::new("S7", format!("{}, idle memory, {server}", case.name), resident, "MB")
}

/// The three forms take turns. The memory after the first turn of each counts as the beginning: until then, connections and
/// threads get their buffers.
fn growth(case: &Case, options: &Options, report: &mut Report) {
    let pin = Pin::default();
    let server = Server::start(&case.file, &pin);
    std::thread::sleep(REST);
    let idle = server.resident_mb();
    let requests = Wire::ALL.map(|wire| case.request(wire));
    let turns = || {
        for request in &requests {
            load::run(server.address, request, 8, options.turn, &pin);
        }
        server.resident_mb()
    };
    report.say(format_args!("{}: load for {} s", case.name, options.growth.as_secs()));
    let first = turns();
    let begin = Instant::now();
    let mut last = first;
    while begin.elapsed() < options.growth {
        last = turns();
        report.say(format_args!("{last:.1} MB after {} s", begin.elapsed().as_secs()));
    }
    let what = format!("{}, growth over {} s of load", case.name, options.growth.as_secs());
    let of = format!("idle {idle:.1} MB, after the first turns {first:.1} MB, at the end {last:.1} MB");
    report.add(Figure::new("S7", what, (last / first - 1.0) * 100.0, "%").at_most(5.0).of(of));
}
