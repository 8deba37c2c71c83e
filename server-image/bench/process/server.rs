//! The measured server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{ChildStderr, Stdio},
    time::Instant,
};

use sha2::{Digest as _, Sha256};
use understudy_contract::Digest;

use super::Process;
use crate::pin::Pin;

const LISTENS: &str = "the server logs its addresses";

/// The real binary.
pub struct Server {
    process: Process,
    pub address: SocketAddr,
    pub challenger: SocketAddr,
    metrics: SocketAddr,
    pub ready_ms: f64,
    pub digest: String,
    log: std::io::Lines<BufReader<ChildStderr>>,
    directory: tempfile::TempDir,
}

impl Server {
    pub fn start(model: &Path, pin: &Pin) -> Self {
        Self::with(model, "1.0.0", &[], pin)
    }

    /// Starts a server that runs each request alone.
    pub fn without_batching(model: &Path, pin: &Pin) -> Self {
        Self::with(model, "1.0.0", &["--no-batching"], pin)
    }

    /// Starts a server for the model, with this version.
    pub fn of(model: &Path, version: &str, pin: &Pin) -> Self {
        Self::with(model, version, &[], pin)
    }

    fn with(model: &Path, version: &str, arguments: &[&str], pin: &Pin) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the bench");
        let bytes = std::fs::read(model).expect("the sample model exists");
        let (claim, work) = (directory.path().join("claim"), directory.path().join("work"));
        let sink = directory.path().join("sink");
        for path in [&claim, &work, &sink] {
            std::fs::create_dir(path).expect("the directory is writable");
        }
        std::fs::write(claim.join("model.onnx"), &bytes).expect("the directory is writable");
        let digest = Digest::from(<[u8; 32]>::from(Sha256::digest(&bytes)));
        let begin = Instant::now();
        let mut command = pin.server(env!("CARGO_BIN_EXE_understudy-server"));
        command
            .args(["--deployment", "bench", "--version", version, "--artifact", "pvc://claim/model.onnx"])
            .args(["--sha256", &digest.to_string(), "--bind", "127.0.0.1"])
            .args(["--main-port", "0", "--challenger-port", "0", "--direct-port", "0"])
            .args(["--metrics-port", "0"])
            .args(arguments)
            .arg("--pvc-dir")
            .arg(claim)
            .arg("--work-dir")
            .arg(work)
            .args(["--record-sink", "pvc://records/bench", "--record-pvc-dir"])
            .arg(sink)
            .arg("--routing-file")
            .arg(directory.path().join("routing.json"))
            .arg("--termination-log")
            .arg(directory.path().join("termination-log"))
            .stderr(Stdio::piped());
        let mut process = Process::start(&mut command);
        let mut log = BufReader::new(process.take_stderr()).lines();
        let [mut address, mut challenger, mut metrics] = [None; 3];
        for line in log.by_ref().map_while(Result::ok) {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            match line["message"].as_str() {
                Some("listening") => {
                    let port = |name: &str| line[name].as_str().and_then(|address| address.parse().ok());
                    [address, challenger, metrics] = [port("main"), port("challenger"), port("metrics")];
                }
                Some("ready") => break,
                _ => {}
            }
        }
        let ready_ms = begin.elapsed().as_secs_f64() * 1e3;
        Self {
            process,
            address: address.expect(LISTENS),
            challenger: challenger.expect(LISTENS),
            metrics: metrics.expect(LISTENS),
            ready_ms,
            digest: digest.prefixed(),
            log,
            directory,
        }
    }

    /// Replaces the routing file, and waits until the server has read it.
    pub fn route(&mut self, routing: &serde_json::Value) {
        let file = self.directory.path().join("routing.json");
        std::fs::write(file.with_extension("new"), routing.to_string()).expect("the directory is writable");
        std::fs::rename(file.with_extension("new"), file).expect("the directory is writable");
        for line in self.log.by_ref().map_while(Result::ok) {
            let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "the routing changed" {
                return;
            }
        }
        panic!("the server ended");
    }

    /// The value of a metric, summed over its series.
    pub fn metric(&self, name: &str) -> u64 {
        let mut stream = std::net::TcpStream::connect(self.metrics).expect("the server runs");
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            .expect("the server listens");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("the server answers");
        let series = text.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        series
            .map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a count"))
            .sum()
    }

    /// Resident memory of the process.
    pub fn resident_mb(&self) -> f64 {
        self.process.resident_mb()
    }
}
