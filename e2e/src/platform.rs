//! The platform under the cluster of `make up`: its API server, etcd and node agents are processes of this machine, which a
//! test can stop or freeze.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use k8s_openapi::{
    api::{coordination::v1::Lease, core::v1::Node},
    jiff::Timestamp,
};
use kube::{Api, Client, ResourceExt, api::ListParams, runtime::wait::await_condition};
use tokio::time::timeout;

use crate::{awaited::within, cluster::checkout, signal};

/// Much longer than a part of the platform needs to start.
const DEADLINE: Duration = Duration::from_mins(3);
/// Time limit of one request while the API server may be away.
const ANSWER: Duration = Duration::from_secs(2);

/// A process of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The API server.
    ApiServer,
    /// The controllers of Kubernetes, such as that of Deployments and that of the nodes' health.
    ControllerManager,
    /// The API server's database.
    Etcd,
    /// The container runtime.
    Containerd,
    /// The node agent.
    Kubelet,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Etcd => "etcd",
            Self::Containerd => "containerd",
            Self::Kubelet => "kubelet",
        }
    }

    /// Kills it. It starts again when the outage ends.
    pub fn stop(self) -> Result<Outage> {
        run("stop", self, &[])?;
        Ok(Outage { part: self, end: Some("start") })
    }

    /// Freezes it: its connections stay open, and nobody answers on them. It continues when the outage ends.
    pub fn freeze(self) -> Result<Outage> {
        run("pause", self, &[])?;
        Ok(Outage { part: self, end: Some("continue") })
    }

    /// Kills it and starts it again.
    pub fn restart(self) -> Result<()> {
        self.stop()?.end()
    }

    /// Restarts it with more arguments, of which the last one counts. It is as before when the outage ends.
    pub fn restart_with(self, arguments: &[&str]) -> Result<Outage> {
        let outage = Outage { part: self, end: Some("restart") };
        run("with", self, arguments)?;
        Ok(outage)
    }

    /// It answers each request after half of this time on average.
    pub fn slow(self, seconds: &str) -> Result<Background> {
        Background::start("slow", self, &[seconds])
    }

    /// Restarts it with more arguments, also whenever it ends, as a kubelet does with the static pods of a control plane.
    pub fn supervise(self, arguments: &[&str]) -> Result<Background> {
        Background::start("supervise", self, arguments)
    }
}

/// A script that disturbs a part, until [`Background::end`] or until this is dropped. Then the part is as before.
#[derive(Debug)]
pub struct Background(Option<Child>);

impl Background {
    fn start(action: &str, part: Part, arguments: &[&str]) -> Result<Self> {
        let started = command(action, part, arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        Ok(Self(Some(started)))
    }

    /// Ends it. Returns what the script has printed.
    pub fn end(mut self) -> Result<String> {
        self.0.take().map_or_else(|| Ok(String::new()), terminate)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(terminate) {
            eprintln!("the cluster is not as the test found it, run `make up`: {error:#}");
        }
    }
}

/// Ends a script with SIGTERM, so that it can restore what it has changed.
fn terminate(script: Child) -> Result<String> {
    signal::send("-TERM", script.id())?;
    let output = script.wait_with_output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A part that does not work, until [`Outage::end`] or until this is dropped.
#[derive(Debug)]
pub struct Outage {
    part: Part,
    /// What ends it.
    end: Option<&'static str>,
}

impl Outage {
    /// Ends it.
    pub fn end(mut self) -> Result<()> {
        self.end.take().map_or(Ok(()), |end| run(end, self.part, &[]))
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.end.take().map(|end| run(end, self.part, &[])) {
            eprintln!("the cluster is not as the test found it, run `make up`: {error:#}");
        }
    }
}

fn command(action: &str, part: Part, arguments: &[&str]) -> Command {
    let mut command = Command::new(checkout().join("e2e/cluster/part"));
    command.args([action, part.name()]).args(arguments);
    command
}

fn run(action: &str, part: Part, arguments: &[&str]) -> Result<()> {
    let done = command(action, part, arguments).output()?;
    let error = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "failed to {action} {}: {error}", part.name());
    Ok(())
}

/// Waits until the API server says that it is ready.
pub async fn await_api_server(client: &Client) -> Result<()> {
    within(DEADLINE, "the API server is ready", async || {
        let request = http::Request::get("/readyz").body(vec![])?;
        timeout(ANSWER, client.request_text(request)).await??;
        Ok(Some(()))
    })
    .await
}

/// Waits until every node is ready and its kubelet has renewed its Lease after `since`.
pub async fn await_nodes(client: &Client, since: Timestamp) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let leases: Api<Lease> = Api::namespaced(client.clone(), "kube-node-lease");
    for node in nodes.list(&ListParams::default()).await? {
        let name = node.name_any();
        let renewed = await_condition(leases.clone(), &name, |lease: Option<&Lease>| {
            let renewal = lease.and_then(|l| l.spec.as_ref()).and_then(|s| s.renew_time.as_ref());
            renewal.is_some_and(|at| at.0 >= since)
        });
        timeout(DEADLINE, renewed).await.with_context(|| format!("no kubelet of node {name}"))??;
        let ready = await_condition(nodes.clone(), &name, is_ready);
        timeout(DEADLINE, ready).await.with_context(|| format!("node {name} is not ready"))??;
    }
    Ok(())
}

fn is_ready(node: Option<&Node>) -> bool {
    let conditions = node.and_then(|n| n.status.as_ref()).into_iter().flat_map(|s| s.conditions.iter());
    conditions.flatten().any(|c| c.type_ == "Ready" && c.status == "True")
}
