//! Load from wrk, on the same processors as the measured server.

use std::{net::SocketAddr, path::PathBuf, process::Command};

/// A load.
pub struct Load {
    pub seconds: u64,
    pub body: PathBuf,
}

/// What wrk measured. Times in microseconds.
#[derive(Clone, Copy)]
pub struct Measured {
    pub rate: f64,
    pub p50: f64,
    pub p99: f64,
}

impl Load {
    /// The medians of three turns each. The turns alternate, so that a busy moment of the machine affects both.
    pub fn alternate(&self, null: SocketAddr, server: SocketAddr, connections: u32) -> (Measured, Measured) {
        let turns = [(); 3].map(|()| (self.run(null, connections), self.run(server, connections)));
        (median(turns.map(|turn| turn.0)), median(turns.map(|turn| turn.1)))
    }

    /// One turn of wrk.
    pub fn run(&self, address: SocketAddr, connections: u32) -> Measured {
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bench/post.lua");
        let output = Command::new("wrk")
            .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{}s", self.seconds)])
            .arg("-s")
            .arg(script)
            .arg(format!("http://{address}/v2/models/bench/infer"))
            .arg(&self.body)
            .output()
            .expect("bench/run checks that wrk is installed");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
            line.unwrap_or_else(|| panic!("wrk printed:\n{text}")).trim().to_owned()
        };
        assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "wrk printed:\n{text}");
        let rate = field("Requests/sec:").parse().expect("wrk prints a number");
        Measured { rate, p50: micros(&field("50%")), p99: micros(&field("99%")) }
    }
}

/// The median of three turns, for each figure.
pub fn median(mut measured: [Measured; 3]) -> Measured {
    let mut middle = |of: fn(&Measured) -> f64| {
        measured.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&measured[1])
    };
    Measured {
        rate: middle(|measured| measured.rate),
        p50: middle(|measured| measured.p50),
        p99: middle(|measured| measured.p99),
    }
}

/// Microseconds of a time that wrk printed: `52.00us`, `1.20ms`, `1.01s`.
fn micros(text: &str) -> f64 {
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[number.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        _ => 1e6,
    };
    number.parse::<f64>().expect("wrk prints a time") * factor
}
