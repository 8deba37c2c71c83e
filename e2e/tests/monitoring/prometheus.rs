//! A Prometheus of the test's own, and its API.

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

/// Far more than a discovery, a scrape and a rule take, also on a loaded machine.
pub const DEADLINE: Duration = Duration::from_mins(3);
/// Between two looks at an API that tells nobody of a change.
const LOOK: Duration = Duration::from_millis(500);
/// Lines of its log that are kept for a failure.
const LINES: usize = 30;

/// A Prometheus that runs, and ends with this value.
pub struct Prometheus {
    process: Child,
    folder: Folder,
    base: String,
    client: reqwest::Client,
    log: Arc<Mutex<VecDeque<String>>>,
}

/// A folder that goes with its owner.
pub struct Folder(PathBuf);

impl Folder {
    /// A new one.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("understudy-prometheus-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// Writes a file of JSON, which is YAML too.
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

/// Where a series comes from.
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
    /// Checks a configuration with promtool, and starts a Prometheus on it, at a free port.
    pub async fn start(cluster: &Cluster, folder: Folder, configuration: &Value) -> Result<Self> {
        let config = folder.write("prometheus.yaml", configuration)?;
        let check = program(cluster, "promtool").args(["check", "config"]).arg(&config).output().await;
        let check = check.context("there is no promtool; run e2e/cluster/build prometheus")?;
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
            .context("there is no prometheus; run e2e/cluster/build prometheus")?;
        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (tell, told) = oneshot::channel();
        tokio::spawn(read_log(process.stderr.take().context("its log is piped")?, log.clone(), tell));
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut started = Self { process, folder, base: String::new(), client, log };
        match tokio::time::timeout(DEADLINE, told).await {
            Ok(Ok(address)) => started.base = format!("http://{address}/api/v1"),
            _ => bail!("Prometheus does not come up: {}", started.log()),
        }
        Ok(started)
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<()> {
        self.process.kill().await.context("failed to end Prometheus")?;
        drop(self.folder);
        Ok(())
    }

    async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let url = reqwest::Url::parse_with_params(&format!("{}/{path}", self.base), parameters)?;
        let answer = self.client.get(url).send().await;
        let answer = answer.with_context(|| format!("Prometheus does not answer: {}", self.log()))?;
        let mut answer: Value = answer.json().await?;
        ensure!(answer["status"] == "success", "{}: {}", answer["errorType"], answer["error"]);
        ensure!(answer.get("warnings").is_none(), "Prometheus warns: {}", answer["warnings"]);
        Ok(answer["data"].take())
    }

    /// The samples of an instant vector; of a scalar, the one without labels.
    pub async fn query(&self, expression: &str) -> Result<Vec<Sample>> {
        let data = self.get("query", &[("query", expression)]).await?;
        let sample = |labels: &Value, point: &Value| {
            let value = point[1].as_str().and_then(|value| value.parse().ok());
            Ok(Sample {
                labels: labels.clone(),
                value: value.with_context(|| format!("no sample: {point}"))?,
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

    /// The targets in these namespaces that are up, and what is said of those that are not.
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

    /// What is wrong with the rules: those that were never evaluated, or not without an error.
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

/// Looks again and again until there is nothing left to say, or the time is up.
pub async fn await_silence(what: &str, mut look: impl AsyncFnMut() -> Result<Vec<String>>) -> Result<()> {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let deadline = Instant::now() + DEADLINE;
    loop {
        looks.tick().await;
        let complaints = look().await?;
        if complaints.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("waited {} s in vain: {what}:\n{}", DEADLINE.as_secs(), complaints.join("\n"));
        }
    }
}

fn program(cluster: &Cluster, name: &str) -> Command {
    let mut command = Command::new(cluster.tool(name));
    // It would ask a proxy for the pods.
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

/// Keeps the end of its log, and once it is ready tells the address that it listens on.
async fn read_log(stderr: ChildStderr, log: Arc<Mutex<VecDeque<String>>>, tell: oneshot::Sender<String>) {
    let (mut address, mut tell) = (String::new(), Some(tell));
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("Listening on")
            && let Some((_, rest)) = line.split_once("address=")
        {
            rest.split_whitespace().next().unwrap_or_default().clone_into(&mut address);
        }
        if line.contains("Server is ready to receive web requests")
            && let Some(tell) = tell.take()
        {
            // Whoever asked for it may have given up.
            let _ = tell.send(address.clone());
        }
        let mut kept = log.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
}
