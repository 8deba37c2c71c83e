//! Load from wrk, on the same processors as what it measures.

use std::{net::SocketAddr, path::PathBuf, process::Command};

/// A load.
pub struct Load {
    pub seconds: u64,
    pub body: PathBuf,
}

/// What wrk saw. Times in microseconds.
#[derive(Clone, Copy)]
pub struct Seen {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Load {
    /// Three turns each, one after the other, so that a busy moment of the machine meets both; the medians.
    pub fn alternate(&self, null: SocketAddr, server: SocketAddr, connections: u32) -> (Seen, Seen) {
        let turns = [(); 3].map(|()| (self.run(null, connections), self.run(server, connections)));
        (median(turns.map(|turn| turn.0)), median(turns.map(|turn| turn.1)))
    }

    /// One turn of wrk.
    pub fn run(&self, address: SocketAddr, connections: u32) -> Seen {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bench/post.lua");
        let output = Command::new("wrk")
            .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{}s", self.seconds)])
            .arg("-s")
            .arg(script)
            .arg(format!("http://{address}/v2/models/bench/infer"))
            .arg(&self.body)
            .output()
            .expect("bench/run checks that wrk is there");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("wrk said:\n{text}")).trim().to_owned()
        };
        assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "wrk said:\n{text}");
        let rate = field("Requests/sec:").parse().expect("wrk prints a number");
        Seen { rate, p50: micros(&field("50%")), p99: micros(&field("99%")) }
    }
}

/// The middle of three turns, by each figure.
pub fn median(mut seen: [Seen; 3]) -> Seen {
    let mut middle = |of: fn(&Seen) -> f64| {
        seen.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&seen[1])
    };
    Seen { rate: middle(|seen| seen.rate), p50: middle(|seen| seen.p50), p99: middle(|seen| seen.p99) }
}

/// wrk's times: `52.00us`, `1.20ms`, `1.01s`.
fn micros(text: &str) -> f64 {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[number.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        _ => 1e6,
    };
    number.parse::<f64>().expect("wrk prints a time") * factor
}
