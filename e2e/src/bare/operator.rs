//! One operator: the binary as a process with the rights of the chart's service account.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use rand::RngExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

use super::{
    control_plane::{ControlPlane, RELEASE},
    log::Logs,
    patience::{DEADLINE, await_holder},
    proxy::Proxy,
};
use crate::{
    operator::{largest_resident, resident},
    signal,
};

/// The client library logs each failed connection as an error, under this name.
const CONNECTION: &str = "kube_client::client";

/// How to start an operator.
pub struct Setup<'a> {
    server: &'a ControlPlane,
    logs: &'a Logs,
    name: String,
    binary: Option<PathBuf>,
    /// The only namespace that it sees. In it is the Lease.
    namespace: Option<String>,
    api_port: Option<u16>,
    server_image: Option<String>,
    /// Whether the Lease has the timing of the chart.
    prompt: bool,
    guard: GuardFile,
    expected: Vec<&'static str>,
}

/// The operator's copy of the guard.
enum GuardFile {
    /// That of the chart.
    Installed,
    /// Another one.
    Other(String),
    /// As of a chart without the guard.
    None,
}

impl<'a> Setup<'a> {
    /// An operator with this name as candidate for the Lease in the chart's namespace. It sees all namespaces.
    pub fn new(server: &'a ControlPlane, logs: &'a Logs, name: &str) -> Self {
        Self {
            server,
            logs,
            name: name.to_owned(),
            binary: None,
            namespace: None,
            api_port: None,
            server_image: None,
            prompt: false,
            guard: GuardFile::Installed,
            expected: vec![],
        }
    }

    /// It sees this namespace only, and the Lease is in it.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }
}

impl Setup<'_> {
    /// It reaches the API server through this proxy. Its log may have errors of the connection.
    #[must_use]
    pub fn through(self, proxy: &Proxy) -> Self {
        Self { api_port: Some(proxy.port()), ..self }.expecting(CONNECTION)
    }

    /// It is this program, not `OPERATOR_BINARY`.
    #[must_use]
    pub fn binary(self, program: &Path) -> Self {
        Self { binary: Some(program.to_owned()), ..self }
    }

    /// Model pods run this image.
    #[must_use]
    pub fn server_image(self, image: &str) -> Self {
        Self { server_image: Some(image.to_owned()), ..self }
    }

    /// It leads with the timing of the chart: it stops leading when the API server does not answer for 10 s. Without it,
    /// the time is longer than any outage of these tests, which share one API server.
    #[must_use]
    pub fn prompt(self) -> Self {
        Self { prompt: true, ..self }
    }

    /// It believes that the chart has installed this guard, or none: the text of `guard.json`.
    #[must_use]
    pub fn guard(self, guard: Option<&str>) -> Self {
        let guard = guard.map_or(GuardFile::None, |guard| GuardFile::Other(guard.to_owned()));
        Self { guard, ..self }
    }

    /// Its log may have errors with these words.
    #[must_use]
    pub fn expecting(mut self, words: &'static str) -> Self {
        self.expected.push(words);
        self
    }

    /// Starts the process. It may not be ready yet.
    pub async fn start(self) -> Result<Operator> {
        let (server, namespace) = (self.server, self.namespace.as_deref());
        let dir = tempfile::Builder::new().prefix("understudy-operator-").tempdir()?;
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = dir.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path)
        };
        for file in ["policy.json", "binding.json"] {
            write(file, &server.file("understudy-policy", file).await?)?;
        }
        // The chart of an earlier release, or one without the guard, has no such file.
        let guard = match self.guard {
            GuardFile::Installed => server.file("understudy-policy", "guard.json").await.ok(),
            GuardFile::Other(guard) => Some(guard),
            GuardFile::None => None,
        };
        guard.map(|guard| write("guard.json", &guard)).transpose()?;
        let installed = server.file("understudy-config", "config.yaml").await?;
        let mut config: Value = serde_saphyr::from_str(&installed).context("config.yaml is YAML")?;
        config["watchNamespaces"] = json!(namespace.as_slice());
        // The chart writes them if no namespaces are named. The tests' role allows to read them.
        config["policyName"] = json!("understudy-approval");
        config["bindingName"] = json!("understudy-approval");
        if let Some(image) = &self.server_image {
            config["serverImage"] = json!(image);
        }
        if !self.prompt {
            config["leaderElection"]["leaseSeconds"] = json!(120);
            config["leaderElection"]["renewSeconds"] = json!(100);
        }
        // JSON is YAML.
        let config = write("config.yaml", &config.to_string())?;
        let port = self.api_port.map_or_else(|| server.port(), Ok)?;
        let kubeconfig = write("kubeconfig", &server.kubeconfig_of_operator(port).await?.to_string())?;
        let log = self.logs.add(&self.name, self.expected);
        let output = std::fs::File::options().create(true).append(true).open(log.path())?;
        let built = std::env::var_os("OPERATOR_BINARY").map(PathBuf::from);
        let binary = self.binary.or(built);
        let binary =
            binary.context("OPERATOR_BINARY is not set: run the script of this suite in e2e/cluster")?;
        let (metrics_port, health_port) = (free_port()?, free_port()?);
        let started = Instant::now();
        let process = Command::new(binary)
            .arg(format!("--config={}", config.display()))
            .arg(format!("--policy-dir={}", dir.path().display()))
            .arg(format!("--metrics-port={metrics_port}"))
            .arg(format!("--health-port={health_port}"))
            .arg(format!("--pod-name={}", self.name))
            .arg(format!("--pod-namespace={}", namespace.unwrap_or(RELEASE)))
            .env("KUBECONFIG", &kubeconfig)
            // Nothing resolves the names of Services here. A name server that does not answer must not slow passes.
            .env("RES_OPTIONS", "timeout:1 attempts:1")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .context("failed to start OPERATOR_BINARY")?;
        Ok(Operator { process, metrics_port, health_port, started, _dir: dir })
    }

    /// Starts the process, and waits until it leads.
    pub async fn lead(self) -> Result<Operator> {
        let namespace = self.namespace.as_deref().unwrap_or(RELEASE);
        let leases = Api::<Lease>::namespaced(self.server.admin()?, namespace);
        let name = self.name.clone();
        let operator = self.start().await?;
        await_holder(leases, &name).await?;
        Ok(operator)
    }
}

/// A running operator. Its process ends when this is dropped.
pub struct Operator {
    process: Child,
    metrics_port: u16,
    health_port: u16,
    started: Instant,
    /// Its files.
    _dir: TempDir,
}

impl Operator {
    /// Port of `/metrics`.
    pub const fn metrics_port(&self) -> u16 {
        self.metrics_port
    }

    /// Port of `/livez` and `/readyz`.
    pub const fn health_port(&self) -> u16 {
        self.health_port
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> Result<u64> {
        resident(self.process.id().context("the operator has ended")?)
    }

    /// The largest resident memory so far, in bytes.
    pub fn peak(&self) -> Result<u64> {
        largest_resident(self.process.id().context("the operator has ended")?)
    }

    /// When the process was started.
    pub const fn started(&self) -> Instant {
        self.started
    }

    /// Kills the process, as when its node is lost.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }

    /// Stops the process with SIGSTOP: it holds its connections and does nothing.
    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Continues the process with SIGCONT.
    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    /// Sends SIGTERM, and returns when the process has ended.
    pub async fn terminate(mut self) -> Result<ExitStatus> {
        self.signal("-TERM")?;
        self.end().await
    }

    /// Waits until the process ends.
    pub async fn end(&mut self) -> Result<ExitStatus> {
        let ended = timeout(DEADLINE, self.process.wait()).await;
        Ok(ended.context("timed out: the operator did not end")??)
    }

    /// The exit status, if the process has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    fn signal(&self, signal: &str) -> Result<()> {
        signal::send(signal, self.process.id().context("the operator has ended")?)
    }
}

/// A port below the range that the kernel assigns to outgoing connections and below that of the API server.
fn free_port() -> Result<u16> {
    static USED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut rng = rand::rng();
    let port = std::iter::repeat_with(|| rng.random_range(10_000..20_000))
        .take(1000)
        .find(|port| !used.contains(port) && TcpListener::bind(("0.0.0.0", *port)).is_ok())
        .context("found no free port")?;
    used.insert(port);
    Ok(port)
}
