//! The effect of challenger and records on main's callers: S10, S11 and S12.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    case::Case,
    challengers::{Bad, Challenger},
    load::{self, Measured, Request, Wire},
    options::Options,
    paced::{self, Waited},
    pin::Pin,
    process::Server,
    report::{Figure, Report},
};

/// Calls a second of the paced load, as in S11.
const RATE: u32 = 5_000;
const CALLERS: u32 = 8;
/// The bounds of the two queues together, in MB.
const QUEUES_MB: f64 = 16.0;

fn routing(challenger: Option<(SocketAddr, &str, &str)>, recorded: bool) -> Value {
    let mut routing = json!({"main": "1.0.0"});
    if let Some((address, version, digest)) = challenger {
        routing["challenger"] = json!({"version": version, "digest": digest, "url": format!("http://{address}"),
            "samplePercent": 100, "timeoutMillis": 1000});
    }
    if recorded {
        routing["recording"] = json!({"samplePercent": 100, "rotateSeconds": 5});
    }
    routing
}

pub fn run(options: &Options, report: &mut Report) {
    let case = Case::breast_cancer(1);
    let (model, pin, request) = (case.file.as_path(), Pin::default(), case.request(Wire::Json));
    let challenger = Server::of(model, "1.1.0", &pin);
    // A server for each configuration, so that one load does not affect the next.
    let [mut off, mut mirroring, mut recording, mut both] = [(); 4].map(|()| Server::start(model, &pin));
    let healthy = (challenger.challenger, "1.1.0", challenger.digest.as_str());
    off.route(&json!({"main": "1.0.0", "drift": {"windowSeconds": 60, "minSamples": 1, "psi": 1.0}}));
    mirroring.route(&routing(Some(healthy), false));
    recording.route(&routing(None, true));
    both.route(&routing(Some(healthy), true));

    let servers = [("off", &off), ("mirroring", &mirroring), ("recording", &recording), ("both", &both)];
    let turns = [1, 2, 3].map(|round| {
        report.say(format_args!("challenger and records at {RATE}/s: round {round} of 3"));
        servers.map(|(_, server)| paced::call(server.address, &request, RATE, options.turn))
    });
    let waited: Vec<Waited> =
        (0..servers.len()).map(|which| paced::median(turns.map(|turn| turn[which]))).collect();
    for ((name, _), measured) in servers.iter().zip(&waited).skip(1) {
        delayed(name, measured, &waited[0], *name == "mirroring", report);
    }
    let turns = [1, 2, 3].map(|round| {
        report.say(format_args!("challenger and records, {CALLERS} callers: round {round} of 3"));
        servers.map(|(_, server)| call(server, &request, options.turn))
    });
    let measured: Vec<_> = (0..servers.len())
        .map(|which| load::median(&turns.iter().map(|turn| turn[which]).collect::<Vec<_>>()))
        .collect();
    for ((name, server), each) in servers.iter().zip(&measured) {
        let share = each.rate / measured[0].rate;
        let figure = Figure::new("S12", format!("{name}, {CALLERS} callers, by off"), share, "x")
            .of(format!("{}; off {}", text(each), text(&measured[0])));
        match *name {
            "off" => {}
            "recording" => report.add(figure.at_least(0.9)),
            _ => report.add(figure),
        }
        copies(server, report);
        rows(server, report);
    }
    drop((off, mirroring, recording, both));
    faults(model, &request, options.turn, &measured[0], report);
}

fn call(server: &Server, request: &Request, time: Duration) -> Measured {
    load::run(server.address, request, CALLERS, time, &Pin::default())
}

/// What a caller waits longer than without challenger and records. p99 may be 5 % or 50 us more.
fn delayed(name: &str, with: &Waited, without: &Waited, has_target: bool, report: &mut Report) {
    for (percentile, with, without, most) in [
        ("p50", with.p50, without.p50, 10.0),
        ("p99", with.p99, without.p99, f64::max(50.0, without.p99 * 0.05).round()),
    ] {
        let what = format!("{name}, added at {RATE}/s, {percentile}");
        let figure =
            Figure::new("S10", what, with - without, "us").of(format!("{with:.0} - {without:.0} us"));
        report.add(if has_target { figure.at_most(most) } else { figure });
    }
}

/// S11: a challenger with a fault, for 60 s (six times the length of a load) at the highest rate.
fn faults(model: &Path, request: &Request, turn: Duration, off: &Measured, report: &mut Report) {
    let (pin, time) = (Pin::default(), turn * 6);
    let killed = Server::of(model, "1.4.0", &pin);
    let address = killed.challenger;
    drop(killed);
    let bad = [Bad::Stalled, Bad::Failing, Bad::Huge, Bad::NotReady]
        .map(|bad| (format!("{bad:?}"), Challenger::start(bad)));
    let mut all: Vec<(&str, SocketAddr)> =
        bad.iter().map(|(name, challenger)| (name.as_str(), challenger.address)).collect();
    all.push(("Refusing", address));
    for (name, address) in all {
        report.say(format_args!("challenger {name}, {} s", time.as_secs()));
        let mut main = Server::start(model, &pin);
        main.route(&routing(Some((address, "1.4.0", "sha256:14")), false));
        // The challenger does not cause the memory of a first load.
        call(&main, request, Duration::from_secs(2));
        let before = main.resident_mb();
        let measured = call(&main, request, time);
        let grown = main.resident_mb() - before;
        faulty(name, &measured, off, report);
        let what = format!("challenger {name}, growth of main's memory");
        report.add(Figure::new("S11", what, grown, "MB").at_most(QUEUES_MB + 8.0));
        copies(&main, report);
    }
    let challenger = Server::of(model, "1.1.0", &pin);
    let mut main = Server::start(model, &pin);
    main.route(&routing(Some((challenger.challenger, "1.1.0", &challenger.digest)), false));
    let measured = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(time / 2);
            drop(challenger);
        });
        call(&main, request, time)
    });
    faulty("Killed", &measured, off, report);
    copies(&main, report);
}

fn faulty(name: &str, measured: &Measured, off: &Measured, report: &mut Report) {
    let what = format!("challenger {name}, main with {CALLERS} callers, by off");
    let of = format!("{}; off {}", text(measured), text(off));
    report.add(Figure::new("S11", what, measured.rate / off.rate, "x").of(of));
}

fn text(measured: &Measured) -> String {
    format!("{:.0}/s, p50 {:.0} us, p99 {:.0} us", measured.rate, measured.p50, measured.p99)
}

/// Waits until every copy has ended, and prints where the calls are counted. Fails if one is missing.
fn copies(server: &Server, report: &Report) {
    let metric = |name: &str| server.metric(&format!("understudy_mirror_{name}"));
    while metric("pending") > 0 {
        std::thread::yield_now();
    }
    let (calls, mirrored, dropped) =
        (metric("calls_total"), metric("mirrored_total"), metric("dropped_total"));
    assert_eq!(calls, mirrored + dropped, "each call is mirrored or counted as dropped");
    if calls > 0 {
        report.say(format_args!("{calls} calls = {mirrored} mirrored + {dropped} dropped"));
    }
}

/// Waits until every row is written or dropped, and prints the counts. Fails if one is missing.
fn rows(server: &Server, report: &Report) {
    let metric = |name: &str| server.metric(&format!("understudy_records_{name}"));
    while metric("pending") > 0 {
        std::thread::yield_now();
    }
    let (due, written, dropped) = (metric("total"), metric("written_total"), metric("dropped_total"));
    assert_eq!(due, written + dropped, "each row is written or counted as dropped");
    if due > 0 {
        report.say(format_args!("{due} rows = {written} written + {dropped} dropped"));
    }
}
