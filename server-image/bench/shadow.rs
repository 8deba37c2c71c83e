//! The effect of challenger and records on main's callers: S10, S11 and S12.

use std::{net::SocketAddr, path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    challengers::{Bad, Challenger},
    load::{self, Load},
    paced::{self, Waited},
    process::Server,
};

/// Calls a second of the paced load, as in S11.
const RATE: u32 = 5_000;
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

pub fn run(model: &Path, load: &Load) {
    println!(
        "challenger and records, the challenger on the same processors, 3 x {} s a load, median",
        load.seconds
    );
    let challenger = Server::of(model, "1.1.0");
    // A server for each configuration, so that one load does not affect the next.
    let (mut off, mut mirroring, mut recording, mut both) =
        (Server::start(model), Server::start(model), Server::start(model), Server::start(model));
    let healthy = (challenger.challenger, "1.1.0", challenger.digest.as_str());
    off.route(&json!({"main": "1.0.0", "drift": {"windowSeconds": 60, "minSamples": 1, "psi": 1.0}}));
    mirroring.route(&routing(Some(healthy), false));
    recording.route(&routing(None, true));
    both.route(&routing(Some(healthy), true));

    let servers = [("off", &off), ("mirroring", &mirroring), ("recording", &recording), ("both", &both)];
    let time = Duration::from_secs(load.seconds);
    let turns =
        [(); 3].map(|()| servers.map(|(_, server)| paced::call(server.address, &load.body, RATE, time)));
    let waited: Vec<Waited> =
        (0..servers.len()).map(|which| paced::median(turns.map(|turn| turn[which]))).collect();
    for ((name, _), measured) in servers.iter().zip(&waited) {
        let (p50, p99) = (measured.p50 - waited[0].p50, measured.p99 - waited[0].p99);
        println!(
            "{RATE}/s  {name:<12} p50 {:>5.0} us  p99 {:>6.0} us   added p50 {p50:.0} us (S10: <= 10), p99 {p99:.0} us (S10: <= 50 or 5 %)",
            measured.p50, measured.p99
        );
    }
    let turns = [(); 3].map(|()| servers.map(|(_, server)| load.run(server.address, 8)));
    let measured: Vec<_> =
        (0..servers.len()).map(|which| load::median(turns.map(|turn| turn[which]))).collect();
    for ((name, server), each) in servers.iter().zip(&measured) {
        println!(
            "c=8     {name:<12} {:>7.0} req/s  p50 {:>5.0} us  p99 {:>6.0} us   {:.2} x off{}",
            each.rate,
            each.p50,
            each.p99,
            each.rate / measured[0].rate,
            if *name == "recording" { "   (S12: >= 0.9)" } else { "" }
        );
        copies(server);
        rows(server);
    }
    drop((off, mirroring, recording, both));
    faults(model, load, &measured[0]);
}

/// S11: a challenger with a fault, for 60 s (six times the length of a load) at the highest rate.
fn faults(model: &Path, load: &Load, off: &load::Measured) {
    let load = Load { seconds: load.seconds * 6, body: load.body.clone() };
    let killed = Server::of(model, "1.4.0");
    let address = killed.challenger;
    drop(killed);
    let bad = [Bad::Stalled, Bad::Failing, Bad::Huge, Bad::NotReady]
        .map(|bad| (format!("{bad:?}"), Challenger::start(bad)));
    let mut all: Vec<(&str, SocketAddr)> =
        bad.iter().map(|(name, challenger)| (name.as_str(), challenger.address)).collect();
    all.push(("Refusing", address));
    println!("challenger with a fault, {} s each at c=8", load.seconds);
    for (name, address) in all {
        let mut main = Server::start(model);
        main.route(&routing(Some((address, "1.4.0", "sha256:14")), false));
        // The challenger does not cause the memory of a first load.
        Load { seconds: 2, body: load.body.clone() }.run(main.address, 8);
        let before = main.resident_mb();
        let measured = load.run(main.address, 8);
        let grown = main.resident_mb() - before;
        println!(
            "{name:<12} {:>7.0} req/s ({:.2} x off)  p50 {:>5.0} us  p99 {:>6.0} us (off {:.0} and {:.0})   memory +{grown:.1} MB (S11: <= {:.0})",
            measured.rate,
            measured.rate / off.rate,
            measured.p50,
            measured.p99,
            off.p50,
            off.p99,
            QUEUES_MB + 8.0
        );
        copies(&main);
    }
    let challenger = Server::of(model, "1.1.0");
    let mut main = Server::start(model);
    main.route(&routing(Some((challenger.challenger, "1.1.0", &challenger.digest)), false));
    std::thread::scope(|scope| {
        let half = Duration::from_secs(load.seconds / 2);
        scope.spawn(move || {
            std::thread::sleep(half);
            drop(challenger);
        });
        let measured = load.run(main.address, 8);
        println!(
            "Killed       {:>7.0} req/s ({:.2} x off)  p50 {:>5.0} us  p99 {:>6.0} us",
            measured.rate,
            measured.rate / off.rate,
            measured.p50,
            measured.p99
        );
    });
    copies(&main);
}

/// Waits until every copy has ended, and prints where the calls are counted. Fails if one is missing.
fn copies(server: &Server) {
    let metric = |name: &str| server.metric(&format!("understudy_mirror_{name}"));
    while metric("pending") > 0 {
        std::thread::yield_now();
    }
    let (calls, mirrored, dropped) =
        (metric("calls_total"), metric("mirrored_total"), metric("dropped_total"));
    assert_eq!(calls, mirrored + dropped, "each call is mirrored or counted as dropped");
    if calls > 0 {
        println!("             {calls} calls = {mirrored} mirrored + {dropped} dropped");
    }
}

/// Waits until every row is written or dropped, and prints the counts. Fails if one is missing.
fn rows(server: &Server) {
    let metric = |name: &str| server.metric(&format!("understudy_records_{name}"));
    while metric("pending") > 0 {
        std::thread::yield_now();
    }
    let (due, written, dropped) = (metric("total"), metric("written_total"), metric("dropped_total"));
    assert_eq!(due, written + dropped, "each row is written or counted as dropped");
    if due > 0 {
        println!("             {due} rows = {written} written + {dropped} dropped");
    }
}
