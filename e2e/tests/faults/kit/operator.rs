//! One operator: the binary as a process with the rights of the chart's service account, in one namespace.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, ensure};
use rand::RngExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{log::Log, proxy::Proxy, wait::DEADLINE, world::World};

/// The client library logs each failed connection as an error, under this name.
const CONNECTION: &str = "kube_client::client";

/// How to start an operator.
pub struct Setup<'a> {
    world: &'a World,
    name: String,
    api_port: Option<u16>,
    server_image: Option<String>,
    /// Whether the Lease has the timing of the chart.
    prompt: bool,
    expected: Vec<&'static str>,
}

impl World {
    /// An operator with this name as candidate for the Lease.
    pub fn operator(&self, name: &str) -> Setup<'_> {
        Setup {
            world: self,
            name: name.to_owned(),
            api_port: None,
            server_image: None,
            prompt: false,
            expected: vec![],
        }
    }
}

impl Setup<'_> {
    /// It reaches the API server through this proxy. Its log may have errors of the connection.
    pub fn through(self, proxy: &Proxy) -> Self {
        Self { api_port: Some(proxy.port()), ..self }.expecting(CONNECTION)
    }

    /// Model pods run this image.
    pub fn server_image(self, image: &str) -> Self {
        Self { server_image: Some(image.to_owned()), ..self }
    }

    /// It leads with the timing of the chart: it stops leading when the API server does not answer for 10 s. Without it,
    /// the time is longer than any outage of these tests, which share one API server.
    pub fn prompt(self) -> Self {
        Self { prompt: true, ..self }
    }

    /// Its log may have errors with these words.
    pub fn expecting(mut self, words: &'static str) -> Self {
        self.expected.push(words);
        self
    }

    /// Starts the process. It may not be ready yet.
    pub async fn start(self) -> Result<Operator> {
        let server = self.world.server();
        let dir = tempfile::Builder::new().prefix("understudy-operator-").tempdir()?;
        let write = |name: &str, text: &str| -> Result<PathBuf> {
            let path = dir.path().join(name);
            std::fs::write(&path, text)?;
            Ok(path)
        };
        for file in ["policy.json", "binding.json"] {
            write(file, &server.file("understudy-policy", file).await?)?;
        }
        let installed = server.file("understudy-config", "config.yaml").await?;
        let mut config: Value = serde_saphyr::from_str(&installed).context("config.yaml is YAML")?;
        config["watchNamespaces"] = json!([self.world.namespace()]);
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
        let log = Log::new(self.world.new_log(&self.name), self.expected);
        self.world.keep_log(log.clone());
        let output = std::fs::File::options().create(true).append(true).open(log.path())?;
        let binary = std::env::var_os("OPERATOR_BINARY")
            .context("OPERATOR_BINARY is not set: run e2e/cluster/faults, which builds it")?;
        let (metrics_port, health_port) = (free_port()?, free_port()?);
        let process = Command::new(binary)
            .arg(format!("--config={}", config.display()))
            .arg(format!("--policy-dir={}", dir.path().display()))
            .arg(format!("--metrics-port={metrics_port}"))
            .arg(format!("--health-port={health_port}"))
            .arg(format!("--pod-name={}", self.name))
            .arg(format!("--pod-namespace={}", self.world.namespace()))
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
        Ok(Operator { process, metrics_port, health_port, _dir: dir })
    }

    /// Starts the process, and waits until it leads.
    pub async fn lead(self) -> Result<Operator> {
        let (world, name) = (self.world, self.name.clone());
        let operator = self.start().await?;
        world.await_leader(&name).await?;
        Ok(operator)
    }
}

/// A running operator. Its process ends when this is dropped.
pub struct Operator {
    process: Child,
    metrics_port: u16,
    health_port: u16,
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
        let id = self.process.id().context("the operator has ended")?;
        let done = std::process::Command::new("kill").args([signal, &id.to_string()]).status()?;
        ensure!(done.success(), "failed to send {signal} to the operator");
        Ok(())
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
