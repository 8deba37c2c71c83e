//! The measured processes.

use std::{
    convert::Infallible,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use understudy_contract::Digest;

const LISTENS: &str = "the server logs its addresses";
/// A response as long as that of the sample model.
const RESPONSE: &str = r#"{"model_name":"fraud","model_version":"1.3.0","id":"sample","outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[1]},{"name":"probabilities","datatype":"FP32","shape":[1,2],"data":[0.0022078454,0.9977921]}]}"#;

/// The real binary.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub challenger: SocketAddr,
    metrics: SocketAddr,
    pub ready_ms: f64,
    pub digest: String,
    log: std::io::Lines<BufReader<std::process::ChildStderr>>,
    directory: tempfile::TempDir,
}

impl Server {
    pub fn start(model: &Path) -> Self {
        Self::of(model, "1.0.0")
    }

    /// Starts a server for the model, with this version.
    pub fn of(model: &Path, version: &str) -> Self {
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_understudy-server"))
            .args(["--deployment", "bench", "--version", version, "--artifact", "pvc://claim/model.onnx"])
            .args(["--sha256", &digest.to_string(), "--bind", "127.0.0.1"])
            .args(["--main-port", "0", "--challenger-port", "0", "--direct-port", "0"])
            .args(["--metrics-port", "0"])
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
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut log = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
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
            child,
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
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux reports VmRSS");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("VmRSS is in kB");
        kib / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program, running as the null server.
pub struct Null {
    child: Child,
    pub address: SocketAddr,
}

impl Null {
    pub fn start() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = port.expect("a free port");
        let program = std::env::current_exe().expect("this program has a path");
        let child = Command::new(program).args([super::NULL, &address.port().to_string()]).spawn();
        let child = child.expect("the null server starts");
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::yield_now();
        }
        Self { child, address }
    }
}

impl Drop for Null {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// hyper and tokio as in the server, without anything else: reads the body and sends a constant response.
pub fn serve_null(address: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("the port is free");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let service = service_fn(|request: Request<Incoming>| async move {
                    let _ = request.into_body().collect().await;
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(RESPONSE)))
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}
