//! Starts the real binary and follows its log.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::OnceLock,
};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use understudy_contract::Digest;

use crate::client::{Connection, Response};

pub const MODEL: &str = "/v2/models/fraud";
pub const INFER: &str = "/v2/models/fraud/infer";

/// ONNX Runtime's library; the project's own script fetches it on first use.
fn onnxruntime() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Ok(path) = std::env::var("ORT_DYLIB_PATH") {
            return path;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../e2e/cluster/onnxruntime");
        let output = Command::new(&script).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{} failed", script.display());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// The file of a test model.
pub fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name)
}

pub fn sha256(bytes: &[u8]) -> String {
    Digest::from(<[u8; 32]>::from(Sha256::digest(bytes))).to_string()
}

/// The digest of a test model, `sha256:<hex>`.
pub fn digest_of(name: &str) -> String {
    format!("sha256:{}", sha256(&std::fs::read(model(name)).unwrap()))
}

/// A server before its start.
pub struct Launch {
    command: Command,
    directory: TempDir,
}

impl Launch {
    /// A server for a test model, from a `pvc://` directory of its own.
    pub fn of(name: &str) -> Self {
        let bytes = std::fs::read(model(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let launch = Self::artifact("pvc://claim/model.onnx", &sha256(&bytes));
        std::fs::write(launch.path("claim/model.onnx"), bytes).unwrap();
        launch
    }

    pub fn artifact(uri: &str, sha256: &str) -> Self {
        let directory = TempDir::new().unwrap();
        for name in ["claim", "secret", "work"] {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudy-server"));
        command.env("UNDERSTUDY_VERSION", "1.3.0");
        command.args(["--deployment", "fraud", "--bind", "127.0.0.1"]);
        // Arguments of a test override the environment.
        command.env("UNDERSTUDY_CHALLENGER_PORT", "0").args(["--main-port", "0"]);
        command.args(["--direct-port", "0", "--metrics-port", "0"]);
        command.args(["--artifact", uri, "--sha256", sha256, "--onnxruntime", onnxruntime()]);
        for (flag, name) in [
            ("--pvc-dir", "claim"),
            ("--secret-dir", "secret"),
            ("--work-dir", "work"),
            ("--routing-file", "routing.json"),
            ("--termination-log", "termination-log"),
        ] {
            command.arg(flag).arg(directory.path().join(name));
        }
        command.env_remove("AWS_ENDPOINT_URL").stderr(Stdio::piped());
        Self { command, directory }
    }

    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Where its user has a home.
    pub fn home(mut self, home: &Path) -> Self {
        self.command.env("HOME", home).env_remove("XDG_CACHE_HOME").env_remove("ORT_DISABLE_TELEMETRY");
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts it and waits until its ports are open.
    pub fn listening(mut self) -> Server {
        let mut child = self.command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Server {
            child,
            log,
            main: unknown,
            challenger: unknown,
            direct: unknown,
            metrics: unknown,
            directory: self.directory,
        };
        let line = server.logs("listening");
        let address = |port: &str| line[port].as_str().unwrap().parse().unwrap();
        (server.main, server.challenger) = (address("main"), address("challenger"));
        (server.direct, server.metrics) = (address("direct"), address("metrics"));
        server
    }

    /// Starts it and waits until the model is loaded.
    pub fn ready(self) -> Server {
        let mut server = self.listening();
        server.logs("ready");
        server
    }

    /// Starts it and waits for its end. Returns the exit code and the content of a file.
    pub fn ends(mut self, file: &str) -> (Option<i32>, Vec<u8>) {
        let output = self.command.output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), std::fs::read(file).unwrap_or_else(|_| panic!("{log}")))
    }

    /// Starts it and waits for its end. Returns the exit code and the termination message.
    pub fn fails(mut self) -> (Option<i32>, Value) {
        let output = self.command.output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let left = std::fs::read_to_string(self.path("termination-log")).unwrap_or_else(|_| panic!("{log}"));
        assert_eq!(left.lines().count(), 1, "the termination message is one line: {left}");
        (output.status.code(), serde_json::from_str(&left).unwrap())
    }
}

/// A running server. It is killed when the test ends.
pub struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
    pub main: SocketAddr,
    pub challenger: SocketAddr,
    pub direct: SocketAddr,
    pub metrics: SocketAddr,
    directory: TempDir,
}

impl Server {
    pub fn start(model: &str) -> Self {
        Launch::of(model).ready()
    }

    /// Waits for a log line with this message.
    pub fn logs(&mut self, message: &str) -> Value {
        let mut seen = String::new();
        loop {
            let before = seen.len();
            assert_ne!(
                self.log.read_line(&mut seen).unwrap(),
                0,
                "the log ended without {message:?}:\n{seen}"
            );
            let line: Value = serde_json::from_str(&seen[before..]).unwrap_or_default();
            if line["message"] == message {
                return line;
            }
        }
    }

    /// Makes a version main, and waits until the role of the server changed.
    pub fn main_is(&mut self, version: &str) {
        self.route(&format!(r#"{{"main":"{version}"}}"#));
        self.logs("the role changed");
    }

    /// Replaces the routing file atomically, as the kubelet does.
    pub fn route(&self, text: &str) {
        let (new, file) = (self.directory.path().join("new"), self.directory.path().join("routing.json"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    /// A file in the server's own directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
    }

    /// Resident memory of the process in bytes.
    pub fn resident(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The largest resident memory that the process had, in bytes.
    pub fn peak(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, what: &str) -> u64 {
        self.status(what).trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }

    /// Threads of the process.
    pub fn threads(&self) -> u64 {
        self.status("Threads:").parse().unwrap()
    }

    fn status(&self, what: &str) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        status.lines().find_map(|line| line.strip_prefix(what)).unwrap().trim().to_owned()
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub fn get(&self, path: &str) -> Response {
        Connection::open(self.main).get(path)
    }

    pub fn infer(&self, body: impl AsRef<[u8]>) -> Response {
        Connection::open(self.main).post(INFER, body)
    }

    /// The outputs of an inference. Fails unless it succeeds.
    pub fn outputs(&self, body: impl AsRef<[u8]>) -> Value {
        let response = self.infer(body);
        assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
        response.json()["outputs"].clone()
    }

    /// The value of a metric, summed over its series. The fraction is cut off.
    pub fn metric(&self, name: &str) -> u64 {
        self.series(name, "")
    }

    /// The value of a metric, summed over its series with this label value. The fraction is cut off.
    pub fn series(&self, name: &str, label: &str) -> u64 {
        let text = String::from_utf8(Connection::open(self.metrics).get("/metrics").body).unwrap();
        let label = format!("\"{label}\"");
        let series = text.lines().filter(|line| {
            line.split(['{', ' ']).next() == Some(name) && (label == "\"\"" || line.contains(&label))
        });
        let value = |line: &str| line.rsplit(' ').next()?.split('.').next()?.parse::<u64>().ok();
        series.map(|line| value(line).unwrap_or_else(|| panic!("{line}"))).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
