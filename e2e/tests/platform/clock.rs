//! The operator's clock is wrong. The operator is a process of this machine under libfaketime, which the pods' image does not
//! have: the program, configuration and account of the pods, and another clock.

use std::{fs, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use kube::config::Kubeconfig;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use understudy_e2e::Story;

use crate::model::under_load;

/// The name of the process in the Lease.
const NAME: &str = "wrong-clock";
const RIGHT: &str = "+0";
const AHEAD: &str = "+600";
const BEHIND: &str = "-600";
/// libfaketime reads its file again after a second.
const NOTICED: Duration = Duration::from_secs(2);

/// An operator whose clock a test can set. Its other clock, which never jumps, is that of the machine.
struct Operator {
    process: Child,
    dir: TempDir,
}

impl Operator {
    /// Copies the program of the operator's pods, before they end.
    async fn prepare(story: &Story) -> Result<TempDir> {
        let dir = tempfile::Builder::new().prefix("understudy-clock-").tempdir()?;
        let operator = story.operator();
        fs::copy(operator.program().await?, dir.path().join("operator"))?;
        for (config_map, file) in [
            ("understudy-config", "config.yaml"),
            ("understudy-policy", "policy.json"),
            ("understudy-policy", "binding.json"),
            ("understudy-policy", "guard.json"),
        ] {
            fs::write(dir.path().join(file), operator.file(config_map, file).await?)?;
        }
        let admin = Kubeconfig::read_from(story.cluster().kubeconfig())?;
        let cluster = admin.clusters.into_iter().next().and_then(|c| c.cluster).context("no cluster")?;
        // A new cluster's certificates are not valid yet for a clock that is behind.
        let cluster = json!({"server": cluster.server, "insecure-skip-tls-verify": true});
        let kubeconfig = operator.kubeconfig(cluster).await?;
        fs::write(dir.path().join("kubeconfig"), kubeconfig.to_string())?;
        let dns = std::env::var("CLUSTER_DNS").context("CLUSTER_DNS is not set: source .cluster/env")?;
        fs::write(dir.path().join("resolv.conf"), format!("nameserver {dns}\nsearch cluster.local\n"))?;
        Ok(dir)
    }

    /// Starts the process with this clock.
    fn start(dir: TempDir, clock: &str) -> Result<Self> {
        let file = |name: &str| dir.path().join(name);
        fs::write(file("clock"), clock)?;
        let library = format!("/usr/lib/{}-linux-gnu/faketime/libfaketimeMT.so.1", std::env::consts::ARCH);
        let log = fs::File::create(file("log"))?;
        // In a mount namespace of its own, it resolves the names of Services as a pod does.
        let script = r#"mount --bind "$1" /etc/resolv.conf && LD_PRELOAD="$2" exec "${@:3}""#;
        let process = Command::new("unshare")
            .args(["--mount", "bash", "-c", script, "-"])
            .args([file("resolv.conf"), PathBuf::from(library), file("operator")])
            .arg(format!("--config={}", file("config.yaml").display()))
            .arg(format!("--policy-dir={}", dir.path().display()))
            .args(["--metrics-port=0", "--health-port=0", "--pod-namespace=understudy-system"])
            .arg(format!("--pod-name={NAME}"))
            .env("KUBECONFIG", file("kubeconfig"))
            .env("FAKETIME_TIMESTAMP_FILE", file("clock"))
            .env("FAKETIME_CACHE_DURATION", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("failed to start the operator: run e2e/cluster/packages")?;
        Ok(Self { process, dir })
    }

    fn set_clock(&self, clock: &str) -> Result<()> {
        Ok(fs::write(self.dir.path().join("clock"), clock)?)
    }

    /// Ends the process. Fails if it has ended before.
    async fn end(mut self) -> Result<()> {
        let log = fs::read_to_string(self.dir.path().join("log"))?;
        let ended = self.process.try_wait()?;
        anyhow::ensure!(ended.is_none(), "the operator has ended: {ended:?}\n{log}");
        anyhow::ensure!(!log.contains("panicked"), "the operator has panicked:\n{log}");
        Ok(self.process.kill().await?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_do_not_notice_an_operator_whose_clock_is_10_minutes_off_and_promotions_get_through()
-> Result<()> {
    under_load("clock", async |model| {
        let dir = Operator::prepare(&model.story).await?;
        let absence = model.story.without_operator().await?;
        let operator = Operator::start(dir, AHEAD)?;
        model.unchanged("clock 10 minutes ahead", async |_| Ok(())).await?;
        model.promote().await?;
        model
            .unchanged("clock 20 minutes back", async |model| {
                operator.set_clock(BEHIND)?;
                model.serve_for(NOTICED).await
            })
            .await?;
        model.promote().await?;
        model
            .unchanged("clock right again", async |model| {
                operator.set_clock(RIGHT)?;
                model.serve_for(NOTICED).await
            })
            .await?;
        model.promote().await?;
        operator.end().await?;
        model.unchanged("another operator with the right clock", async |_| absence.end().await).await
    })
    .await
}
