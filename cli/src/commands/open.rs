//! `open`

use std::{io::ErrorKind, time::Duration};

use clap::Args;
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::ListParams};
use tokio::net::{TcpListener, TcpStream};
use understudy_contract::ports;
use understudy_crds::{ModelDeployment, ModelVersion, names};

use crate::{
    error::Error,
    identity::Act,
    kubectl::{command, words},
    name::{AnyName, VersionName},
    output,
    session::Session,
};

/// How long the program that opens a browser may take to report that none is installed.
const BROWSER_ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Opens the form page of main or of one version
///
/// Forwards a local port to a pod that is ready, and opens a browser. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy open fraud/1.3.0 -n risk --port 8000")]
pub struct OpenArgs {
    /// Deployment (fraud, mdep/fraud: its main) or version (fraud-1.3.0, fraud/1.3.0, mv/fraud-1.3.0)
    pub name: AnyName,
    /// Local port. 0 is any free port
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Prints the URL, and opens no browser
    #[arg(long)]
    pub no_browser: bool,
}

/// Where connections go: to a pod of this version that is ready at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Backend {
    deployment: String,
    /// `None`: the version that is main at the time of the connection.
    version: Option<String>,
}

impl OpenArgs {
    /// Runs the subcommand until Ctrl-C.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let backend = self.backend(session).await?;
        if session.globals.show_kubectl {
            return output::print(&backend.kubectl(self.port, &session.kubectl_flags()));
        }
        // An error ends the command before a browser opens.
        backend.pod(session).await?;
        let io = |what| move |source| Error::Io { what, source };
        let listener =
            TcpListener::bind(("127.0.0.1", self.port)).await.map_err(io("listen on the local port"))?;
        let url = format!("http://{}/", listener.local_addr().map_err(io("read the local port"))?);
        if session.json() {
            output::print(&serde_json::json!({"url": url}).to_string())?;
        } else {
            output::print(&format!("{url} is {}; Ctrl-C ends it", backend.called()))?;
        }
        if !self.no_browser {
            browse(&url).await;
        }
        tokio::select! {
            ended = serve(&listener, &backend, session) => ended,
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(io("wait for Ctrl-C")),
        }
    }

    async fn backend(&self, session: &Session) -> Result<Backend, Error> {
        let deployment = |name: &str| Backend { deployment: name.to_owned(), version: None };
        match &self.name {
            AnyName::Version(name) => Ok(Backend::of(&session.version(name).await?)),
            AnyName::Deployment(name) => Ok(deployment(name)),
            AnyName::Either(name) => {
                match session.deployments().get_opt(name).await.map_err(Error::api(Act::Read))? {
                    Some(_) => Ok(deployment(name)),
                    None => Ok(Backend::of(&session.version(&VersionName::Object(name.clone())).await?)),
                }
            }
        }
    }
}

impl Backend {
    fn of(mv: &ModelVersion) -> Self {
        Self { deployment: mv.spec.deployment.clone(), version: Some(mv.spec.version.clone()) }
    }

    fn called(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.deployment),
            None => format!("main of {}", self.deployment),
        }
    }

    const fn port(&self) -> u16 {
        if self.version.is_some() { ports::DIRECT } else { ports::MAIN }
    }

    fn service(&self) -> String {
        match &self.version {
            Some(version) => names::version_object(&self.deployment, version),
            None => self.deployment.clone(),
        }
    }

    fn kubectl(&self, port: u16, flags: &[String]) -> String {
        let local = if port == 0 { String::new() } else { port.to_string() };
        let forward = vec![format!("svc/{}", self.service()), format!("{local}:80")];
        command(&[words("kubectl port-forward"), forward, flags.to_vec()].concat())
    }

    /// A pod that is ready.
    async fn pod(&self, session: &Session) -> Result<String, Error> {
        let version = match &self.version {
            Some(version) => version.clone(),
            None => self.main(session).await?,
        };
        let labels = names::version_labels(&self.deployment, &version);
        let selector: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pods = pods(session).list(&ListParams::default().labels(&selector.join(","))).await;
        let pods = pods.map_err(Error::api(Act::Open))?;
        pods.items.iter().find(|pod| is_ready(pod)).map(ResourceExt::name_any).ok_or_else(|| {
            Error::Refused(format!(
                "no pod of {} {version} is ready; kubectl understudy review shows the reason",
                self.deployment
            ))
        })
    }

    async fn main(&self, session: &Session) -> Result<String, Error> {
        let md = session.deployments().get(&self.deployment).await.map_err(Error::api(Act::Read))?;
        let main = ModelDeployment::main(&md).map(|main| main.version.clone());
        main.ok_or_else(|| {
            Error::Refused(format!("{} has no main: nothing is in Production", self.deployment))
        })
    }
}

fn pods(session: &Session) -> Api<Pod> {
    Api::namespaced(session.client.clone(), &session.namespace)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none()
        && conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// Forwards each local connection to a pod that is ready at that time.
async fn serve(listener: &TcpListener, backend: &Backend, session: &Session) -> Result<(), Error> {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted =
            listener.accept().await.map_err(|source| Error::Io { what: "accept a connection", source })?;
        let pod = match backend.pod(session).await {
            Ok(pod) => pod,
            Err(error) => {
                output::note(&error.to_string());
                continue;
            }
        };
        let (pods, port) = (pods(session), backend.port());
        connections.spawn(async move {
            if let Err(why) = forward(accepted.0, &pods, &pod, port).await {
                output::note(&format!("the connection to pod {pod} failed: {why}"));
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn forward(
    mut local: TcpStream,
    pods: &Api<Pod>,
    pod: &str,
    port: u16,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut forwarder = pods.portforward(pod, &[port]).await?;
    let mut remote = forwarder.take_stream(port).ok_or("the API server opened no stream")?;
    match tokio::io::copy_bidirectional(&mut local, &mut remote).await {
        // A browser closes connections at any time.
        Err(error) if !matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
            return Err(error.into());
        }
        _ => {}
    }
    drop(remote);
    forwarder.join().await?;
    Ok(())
}

/// Opens the page in a browser, if one is installed. The URL is printed before.
async fn browse(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = tokio::process::Command::new(opener);
    command
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let Ok(mut child) = command.spawn() else { return };
    if let Ok(Ok(status)) = tokio::time::timeout(BROWSER_ANSWERS_WITHIN, child.wait()).await
        && !status.success()
    {
        output::note("no browser opened");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_reached_on_its_own_service_and_main_on_the_stable_one() {
        let version = Backend { deployment: "fraud".into(), version: Some("1.3.0".into()) };
        let main = Backend { deployment: "fraud".into(), version: None };
        let flags = ["-n".to_owned(), "risk".to_owned()];
        assert_eq!(version.kubectl(8000, &flags), "kubectl port-forward svc/fraud-v1-3-0 8000:80 -n risk");
        assert_eq!(main.kubectl(0, &flags), "kubectl port-forward svc/fraud :80 -n risk");
        assert_eq!((version.port(), main.port()), (ports::DIRECT, ports::MAIN));
    }
}
