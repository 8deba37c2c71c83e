//! Other servers of the same model: `FastAPI` and `MLServer`, both with onnxruntime and one thread for each run.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Process, free_port};
use crate::{case::Case, load::Wire, pin::Pin};

/// Python's programs of this folder.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/peers");
/// A peer that is not ready after this time will not be.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running peer.
pub struct Peer {
    process: Process,
    pub address: SocketAddr,
    pub ready_ms: f64,
    _directory: tempfile::TempDir,
}

impl Peer {
    /// `uvicorn fastapi_app:app`, with so many processes.
    pub fn fastapi(packages: &Path, workers: usize, case: &Case, pin: &Pin) -> Self {
        let port = free_port();
        let mut command = python(packages, pin);
        command.args(["-m", "uvicorn", "fastapi_app:app", "--log-level", "error", "--no-access-log"]);
        command.args(["--port", &port.to_string(), "--workers", &workers.to_string()]);
        command.env("MODEL", &case.file);
        Self::start(&mut command, port, case, tempfile::tempdir().expect("a directory for the bench"))
    }

    /// `mlserver start`, with the custom runtime in its own process.
    pub fn mlserver(packages: &Path, case: &Case, pin: &Pin) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the bench");
        let port = free_port();
        let settings = json!({"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(),
            "metrics_port": free_port(), "parallel_workers": 0, "debug": false});
        let of_model = json!({"name": "bench", "implementation": "mlserver_onnx.Onnx",
            "parameters": {"uri": absolute(&case.file), "version": "1.0.0"}});
        for (file, content) in [("settings.json", settings), ("model-settings.json", of_model)] {
            std::fs::write(directory.path().join(file), content.to_string())
                .expect("the directory is writable");
        }
        let mut command = python(packages, pin);
        command.args(["-c", "from mlserver.cli import main; main()", "start"]).arg(directory.path());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self::start(&mut command, port, case, directory)
    }

    fn start(command: &mut Command, port: u16, case: &Case, directory: tempfile::TempDir) -> Self {
        let begin = Instant::now();
        let mut process = Process::start(command);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let request = case.request(Wire::Json).http();
        while !answers(address, &request) {
            let ended = process.0.try_wait().expect("it was started here");
            assert!(ended.is_none() && begin.elapsed() < PATIENCE, "a peer did not start: {command:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        let ready_ms = begin.elapsed().as_secs_f64() * 1e3;
        Self { process, address, ready_ms, _directory: directory }
    }

    /// Resident memory of the process.
    pub fn resident_mb(&self) -> f64 {
        self.process.resident_mb()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.end();
    }
}

/// Whether it answers a request with 200.
fn answers(address: SocketAddr, request: &[u8]) -> bool {
    const GOOD: &[u8] = b"HTTP/1.1 200";
    let mut begin = [0; GOOD.len()];
    let called = TcpStream::connect(address).and_then(|mut stream| {
        stream.write_all(request)?;
        stream.read_exact(&mut begin)
    });
    called.is_ok() && begin == GOOD
}

fn python(packages: &Path, pin: &Pin) -> Command {
    let paths = std::env::join_paths([packages, Path::new(PROGRAMS)]).expect("paths without a colon");
    let mut command = pin.server("python3");
    command.env("PYTHONPATH", paths).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().expect("the model exists")
}
