//! The operator: its memory while idle, and the time from its start until it leads.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use understudy_e2e::{Person, Story, Table, millis, resident};

/// Where `make up` installs it.
const NAMESPACE: &str = "understudy-system";
/// Much longer than a start takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the memory of the running replicas, then starts one more that watches only the story's empty namespace.
pub async fn measure(story: &Story, table: &mut Table) -> Result<()> {
    let replicas = story.operator().resident().await?;
    let largest = replicas.iter().max().context("the operator runs")?;
    table.add("operator, idle memory (RSS, the larger replica)", megabytes(*largest), "<= 20 MB");

    let mut operator = start(story).await?;
    let led = operator.await_line("metrics", "understudy_leader 1").await?;
    table.add("operator, exec to leading", millis(led), "<= 1 s");
    table.add("operator, memory when just started (RSS)", megabytes(resident(operator.child.id())?), "");
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    // A resident set is far below 2^32 kilobytes.
    format!("{:.1} MB", f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0)
}

/// An operator on this machine. It ends when this value is dropped.
struct Started {
    child: Child,
    began: Instant,
    metrics_port: u16,
    _folder: Folder,
}

/// A folder that is removed when this value is dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start(story: &Story) -> Result<Started> {
    let folder = Folder(std::env::temp_dir().join(format!("understudy-bench-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0)?;
    let maps: Api<ConfigMap> = Api::namespaced(story.client(Person::Admin).clone(), NAMESPACE);
    for name in ["understudy-config", "understudy-policy"] {
        for (file, text) in maps.get(name).await?.data.unwrap_or_default() {
            let own = format!("watchNamespaces: [\"{}\"]", story.namespace());
            // The configuration of an install for some namespaces has no names of policies.
            let text = text
                .lines()
                .filter(|line| !line.starts_with("policyName") && !line.starts_with("bindingName"))
                .map(|line| if line.starts_with("watchNamespaces") { &own } else { line })
                .collect::<Vec<_>>()
                .join("\n");
            std::fs::write(folder.0.join(file), text)?;
        }
    }
    let binary = std::env::current_exe()?.with_file_name("understudy-operator");
    let (metrics_port, health_port) = (free_port()?, free_port()?);
    let mut command = Command::new(&binary);
    command
        .arg(format!("--config={}", folder.0.join("config.yaml").display()))
        .arg(format!("--policy-dir={}", folder.0.display()))
        .args([format!("--metrics-port={metrics_port}"), format!("--health-port={health_port}")])
        .args(["--pod-name=bench".to_owned(), format!("--pod-namespace={}", story.namespace())])
        .env("KUBECONFIG", story.cluster().kubeconfig())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let child =
        command.spawn().with_context(|| format!("failed to start {}: run `make build`", binary.display()))?;
    Ok(Started { child, began, metrics_port, _folder: folder })
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Started {
    /// Waits until the page has this line. Returns the time since the start.
    async fn await_line(&mut self, page: &str, line: &str) -> Result<Duration> {
        let url = format!("http://127.0.0.1:{}/{page}", self.metrics_port);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while self.began.elapsed() < PATIENCE {
            ticks.tick().await;
            let page = async { client.get(&url).send().await?.text().await }.await;
            if page.is_ok_and(|text| text.lines().any(|l| l == line)) {
                return Ok(self.began.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the operator ended with {status}");
            }
        }
        bail!("timed out: the operator has no line {line:?}")
    }
}
