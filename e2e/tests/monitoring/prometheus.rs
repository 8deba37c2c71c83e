//! A Prometheus for one test, and its API.

use std::{
    collections::{BTreeSet, VecDeque},
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval},
};
use understudy_e2e::Cluster;

/// Much longer than discovery, a scrape and a rule take, also on a busy machine.
pub const DEADLINE: Duration = Duration::from_mins(3);
/// Pause between two checks of an API that has no watch.
const PACE: Duration = Duration::from_millis(500);
/// Lines of its log that a failed test prints.
const LINES: usize = 30;

/// A running Prometheus. It ends when this value is dropped.
pub struct Prometheus {
    process: Child,
    folder: Folder,
    base: String,
    client: reqwest::Client,
    log: Arc<Mutex<VecDeque<String>>>,
}

/// A folder that is removed when this value is dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// Creates a folder.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("understudy-prometheus-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Writes a file of JSON, which is valid YAML.
    pub fn write(&self, name: &str, content: &Value) -> Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::write(&path, serde_json::to_vec_pretty(content)?)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("failed to remove {}: {error}", self.0.display());
        }
    }
}

/// A scraped pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub namespace: String,
    pub pod: String,
    pub job: String,
}

/// A sample of an instant vector.
pub struct Sample {
    pub labels: Value,
    pub value: f64,
}

impl Prometheus {
    /// Checks a configuration with promtool, and starts a Prometheus with it on a free port.
    pub async fn start(cluster: &Cluster, folder: Folder, configuration: &Value) -> Result<Self> {
        let config = folder.write("prometheus.yaml", configuration)?;
        let check = program(cluster, "promtool").args(["check", "config"]).arg(&config).output().await;
        let check = check.context("failed to start promtool: run e2e/cluster/build prometheus")?;
        ensure!(
            check.status.success(),
            "promtool: {}{}",
            String::from_utf8_lossy(&check.stdout),
            String::from_utf8_lossy(&check.stderr)
        );
        let mut process = program(cluster, "prometheus")
            .arg(flag("--config.file=", &config))
            .arg(flag("--storage.tsdb.path=", &folder.0.join("data")))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("failed to start prometheus: run e2e/cluster/build prometheus")?;
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, address) = oneshot::channel();
        tokio::spawn(read_log(process.stderr.take().context("stderr is piped")?, Arc::clone(&log), sender));
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut started = Self { process, folder, base: String::new(), client, log };
        match tokio::time::timeout(DEADLINE, address).await {
            Ok(Ok(address)) => started.base = format!("http://{address}/api/v1"),
            _ => bail!("Prometheus does not start: {}", started.log()),
        }
        Ok(started)
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Ends the process.
    pub async fn end(mut self) -> Result<()> {
        self.process.kill().await.context("failed to end Prometheus")?;
        drop(self.folder);
        Ok(())
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let url = reqwest::Url::parse_with_params(&format!("{}/{path}", self.base), parameters)?;
        let response = self.client.get(url).send().await;
        let response = response.with_context(|| format!("Prometheus does not answer: {}", self.log()))?;
        let mut body: Value = response.json().await?;
        ensure!(body["status"] == "success", "{}: {}", body["errorType"], body["error"]);
        ensure!(body.get("warnings").is_none(), "Prometheus warns: {}", body["warnings"]);
        Ok(body["data"].take())
    }

    /// The samples of an instant vector. A scalar is one sample without labels.
    pub async fn query(&self, expression: &str) -> Result<Vec<Sample>> {
        let data = self.get("query", &[("query", expression)]).await?;
        let sample = |labels: &Value, point: &Value| {
            let value = point[1].as_str().and_then(|value| value.parse().ok());
            Ok(Sample {
                labels: labels.clone(),
                value: value.with_context(|| format!("not a sample: {point}"))?,
            })
        };
        match data["resultType"].as_str() {
            Some("vector") => {
                let all = data["result"].as_array().into_iter().flatten();
                all.map(|series| sample(&series["metric"], &series["value"])).collect()
            }
            Some("scalar") => Ok(vec![sample(&Value::Null, &data["result"])?]),
            other => bail!("{expression} is of type {other:?}"),
        }
    }

    /// The values of a label of these series.
    pub async fn label_values(&self, series: &str, label: &str) -> Result<BTreeSet<String>> {
        let data = self.get(&format!("label/{label}/values"), &[("match[]", series)]).await?;
        Ok(serde_json::from_value(data)?)
    }

    /// The targets in these namespaces that are up, and a complaint about each of the others.
    pub async fn targets(&self, namespaces: &[&str]) -> Result<(BTreeSet<Target>, Vec<String>)> {
        let data = self.get("targets", &[("state", "active")]).await?;
        let (mut up, mut down) = (BTreeSet::new(), vec![]);
        for target in data["activeTargets"].as_array().into_iter().flatten() {
            let label = |name: &str| target["labels"][name].as_str().unwrap_or_default().to_owned();
            if !namespaces.contains(&label("namespace").as_str()) {
                continue;
            }
            if target["health"] == "up" {
                up.insert(Target { namespace: label("namespace"), pod: label("pod"), job: label("job") });
            } else {
                down.push(format!("{} {}: {}", label("pod"), target["health"], target["lastError"]));
            }
        }
        Ok((up, down))
    }

    /// The rules that were not evaluated, or that failed.
    pub async fn broken_rules(&self) -> Result<Vec<String>> {
        let data = self.get("rules", &[]).await?;
        let rules =
            data["groups"].as_array().into_iter().flatten().filter_map(|group| group["rules"].as_array());
        let broken = rules.flatten().filter(|rule| rule["health"] != "ok");
        Ok(broken
            .map(|rule| format!("{} is {}: {}", rule["name"], rule["health"], rule["lastError"]))
            .collect())
    }
}

/// Repeats a check until it has no complaints.
pub async fn await_no_complaints(
    what: &str,
    mut check: impl AsyncFnMut() -> Result<Vec<String>>,
) -> Result<()> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deadline = Instant::now() + DEADLINE;
    loop {
        ticks.tick().await;
        let complaints = check().await?;
        if complaints.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("timed out after {} s: {what}:\n{}", DEADLINE.as_secs(), complaints.join("\n"));
        }
    }
}

fn program(cluster: &Cluster, name: &str) -> Command {
    let mut command = Command::new(cluster.tool(name));
    // Pods must be called directly, not through a proxy.
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
        command.env_remove(name);
    }
    command
}

fn flag(name: &str, path: &Path) -> std::ffi::OsString {
    let mut flag = std::ffi::OsString::from(name);
    flag.push(path);
    flag
}

/// Keeps the end of the log, and sends the address that it listens on once it is ready.
async fn read_log(stderr: ChildStderr, log: Arc<Mutex<VecDeque<String>>>, sender: oneshot::Sender<String>) {
    let (mut address, mut sender) = (String::new(), Some(sender));
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("Listening on")
            && let Some((_, rest)) = line.split_once("address=")
        {
            rest.split_whitespace().next().unwrap_or_default().clone_into(&mut address);
        }
        if line.contains("Server is ready to receive web requests")
            && let Some(sender) = sender.take()
        {
            // The receiver may have timed out.
            let _ = sender.send(address.clone());
        }
        let mut kept = log.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}
