//! The real models behind this server, its limits and its peers: S1, S3, S4 and S6.

use std::time::Duration;

use super::{counted, own};
use crate::{
    case::Case,
    load::{Measured, Wire},
    options::Options,
    pin::Pin,
    process::{Null, Peer, Server},
    report::{Figure, Report},
    rounds::{Turn, alternate},
};

const NULL: &str = "limit: null server";
const FASTAPI: &str = "FastAPI";
const WITHOUT_BATCHING: &str = "Understudy, JSON, without batching";

pub fn run(options: &Options, report: &mut Report) {
    // Two threads that wait for each other answer three times as fast on one processor, and the kernel chooses. For one caller
    // of a light model, that would be most of the time.
    let (apart, together) = (Pin::apart(), Pin::default());
    let [small, medium] = [Case::breast_cancer(1), Case::silero_vad(&options.fastapi)];
    one(&small, &[1], &apart, options, report);
    one(&small, &[8], &together, options, report);
    one(&medium, &[1], &apart, options, report);
    one(&medium, &[8, 32], &together, options, report);
    one(&Case::magika(&options.fastapi), &[1, 8], &together, options, report);
}

/// What was measured with one model and one number of callers.
struct Results<'a> {
    model: &'static str,
    callers: u32,
    turns: &'a [Turn<'a>],
    medians: Vec<Measured>,
}

impl Results<'_> {
    fn get(&self, name: &str) -> Measured {
        let position = self.turns.iter().position(|turn| turn.name == name);
        self.medians[position.unwrap_or_else(|| panic!("{name} was measured"))]
    }

    /// How often the rate of `limit` fits into that of `name`.
    fn ratio(&self, id: &'static str, name: &str, limit: &str) -> Figure {
        let (own, limit_rate) = (self.get(name).rate, self.get(limit).rate);
        let what = format!("{}, {} callers, {name}, by {limit}", self.model, self.callers);
        Figure::new(id, what, own / limit_rate, "x").of(format!("{own:.0}/s, {limit_rate:.0}/s"))
    }
}

fn one(case: &Case, all_callers: &[u32], pin: &Pin, options: &Options, report: &mut Report) {
    report.say(format_args!("{}: starting this server, the null server and the peers", case.name));
    let threads = pin.servers();
    let (server, null) = (Server::start(&case.file, pin), Null::start(pin));
    let peers = peers(case, threads, pin, options);
    let without_batching = (case.name == "silero-vad").then(|| Server::without_batching(&case.file, pin));
    let requests = Wire::ALL.map(|wire| case.request(wire));
    for &callers in all_callers {
        let load =
            |name: String, address, request| Turn::load(name, address, request, callers, options.turn, pin);
        let mut turns = vec![load(NULL.to_owned(), null.address, &requests[0])];
        turns.push(alone(case, 1, options.turn, pin));
        if threads > 1 && callers > 1 {
            turns.push(alone(case, threads, options.turn, pin));
        }
        for request in &requests {
            turns.push(load(own(request.wire), server.address, request));
        }
        if let Some(server) = &without_batching {
            turns.push(load(WITHOUT_BATCHING.to_owned(), server.address, &requests[0]));
        }
        for (name, peer) in &peers {
            turns.push(load(name.clone(), peer.address, &requests[0]));
        }
        let before = counts(&server);
        let medians = alternate(report, &format!("{}, {callers} callers", case.name), &turns);
        let after = counts(&server);
        for (turn, median) in turns.iter().zip(&medians) {
            report.load(case.name, callers, turn.name.clone(), *median);
        }
        let results = Results { model: case.name, callers, turns: &turns, medians };
        judge(&results, threads, report);
        if case.name == "silero-vad" && callers == 32 {
            let joined = (after.1 - before.1) / (after.0 - before.0);
            let what = "silero-vad, 32 callers, requests in a run";
            report.add(Figure::new("S6", what, joined, "requests"));
        }
    }
}

fn alone<'a>(case: &'a Case, threads: usize, time: Duration, pin: &'a Pin) -> Turn<'a> {
    Turn::alone(loop_of(threads), case, threads, time, pin)
}

fn loop_of(threads: usize) -> String {
    format!("limit: loop, {}", counted(threads, "thread", "threads"))
}

fn fastapi_of(workers: usize) -> String {
    format!("{FASTAPI}, {}", counted(workers, "process", "processes"))
}

/// `FastAPI` with one process and with one for each processor, and `MLServer`.
fn peers(case: &Case, processors: usize, pin: &Pin, options: &Options) -> Vec<(String, Peer)> {
    let mut all = vec![(fastapi_of(1), Peer::fastapi(&options.fastapi, 1, case, pin))];
    if processors > 1 {
        all.push((fastapi_of(processors), Peer::fastapi(&options.fastapi, processors, case, pin)));
    }
    if let Some(packages) = &options.mlserver {
        all.push(("MLServer".to_owned(), Peer::mlserver(packages, case, pin)));
    }
    all
}

/// Runs of the model, and requests.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn counts(server: &Server) -> (f64, f64) {
    let count = |name| server.metric(name) as f64;
    (count("nv_inference_exec_count"), count("nv_inference_request_success"))
}

fn judge(results: &Results<'_>, threads: usize, report: &mut Report) {
    let json = own(Wire::Json);
    let whole_loop = loop_of(threads);
    match (results.model, results.callers) {
        ("magika", 8) => {
            report.add(results.ratio("S1", &json, &whole_loop).at_least(0.95));
            report.add(results.ratio("S1", &json, &fastapi_of(1)).at_least(2.0));
            if threads > 1 {
                report.add(results.ratio("S1", &json, &fastapi_of(threads)));
            }
        }
        ("breast-cancer", 8) => {
            report.add(results.ratio("S3", &json, NULL).at_least(0.75));
            report.add(results.ratio("S3", &json, &fastapi_of(1)).at_least(25.0));
            if threads > 1 {
                report.add(results.ratio("S3", &json, &fastapi_of(threads)));
            }
        }
        ("breast-cancer", 1) => {
            let [p50, p99] = added(results);
            report.add(p50.named("S4").at_most(15.0));
            report.add(p99.named("S4").at_most(100.0));
        }
        ("silero-vad", 1) => {
            let [p50, p99] = added(results);
            report.add(p50.named("S6"));
            report.add(p99.named("S6"));
        }
        ("silero-vad", 8) => report.add(results.ratio("S6", &json, WITHOUT_BATCHING).at_least(0.98)),
        ("silero-vad", 32) => {
            report.add(results.ratio("S6", &json, WITHOUT_BATCHING).at_least(1.4));
            report.add(results.ratio("S6", &json, &whole_loop));
        }
        _ => {}
    }
}

/// The latency of JSON over the null server and the median of an inference.
fn added(results: &Results<'_>) -> [Figure; 2] {
    let (own, null) = (results.get(&own(Wire::Json)), results.get(NULL));
    let inference = results.get(&loop_of(1)).p50;
    [("p50", own.p50, null.p50), ("p99", own.p99, null.p99)].map(|(name, own, null)| {
        let what = format!("{}, 1 caller, added over null server and inference, {name}", results.model);
        let of = format!("{own:.0} - {null:.0} - {inference:.0} us");
        Figure::new("", what, own - null - inference, "us").of(of)
    })
}
