//! The operator: what it holds while nothing happens, and how soon it works after it was started.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use understudy_e2e::{Person, Story, resident};

use crate::table::{Table, millis};

/// Where `make up` installs it.
const NAMESPACE: &str = "understudy-system";
/// Far more than a start takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the memory of the replicas that run, then starts one more, which looks at the story's empty namespace alone.
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
    // A resident set is far below the 2^32 kilobytes that this can hold.
    format!("{:.1} MB", f64::from(u32::try_from(bytes / 1024).unwrap_or(u32::MAX)) / 1024.0)
}

/// An operator that runs on this machine, and ends with this value.
struct Started {
    child: Child,
    began: Instant,
    metrics_port: u16,
    _folder: Folder,
}

/// A folder that is gone with this value.
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
            // An install for some namespaces does not know the policy's name.
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
        command.spawn().with_context(|| format!("failed to start {}; run `make build`", binary.display()))?;
    Ok(Started { child, began, metrics_port, _folder: folder })
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Started {
    /// How long it took from its start until the page says this line.
    async fn await_line(&mut self, page: &str, line: &str) -> Result<Duration> {
        let url = format!("http://127.0.0.1:{}/{page}", self.metrics_port);
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while self.began.elapsed() < PATIENCE {
            looks.tick().await;
            let answer = async { client.get(&url).send().await?.text().await }.await;
            if answer.is_ok_and(|text| text.lines().any(|l| l == line)) {
                return Ok(self.began.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the operator ended with {status}");
            }
        }
        bail!("the operator does not say {line:?}")
    }
}
