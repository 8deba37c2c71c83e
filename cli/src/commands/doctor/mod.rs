//! `doctor`: gathers facts, judges them with pure checks, prints the result.

mod check;
mod checks;
pub(crate) mod config;
mod difference;
mod expected;
pub(crate) mod facts;
#[cfg(test)]
mod fixtures;
pub(crate) mod gather;
pub(crate) mod kinds;
mod metrics_page;
pub(crate) mod models;
pub(crate) mod read;
mod rights;
pub(crate) mod seen;
mod text;

use clap::Args;
use config::Config;
use facts::Facts;
use read::Reader;
use seen::{Blind, Seen};
use serde_json::Value;
pub(crate) use text::Diagnosis;
use text::Installation;

use crate::{error::Error, output, session::Session};

/// Where the chart is installed by default.
pub(crate) const SYSTEM: &str = "understudy-system";

/// Checks the installation and says what to do
///
/// The operator is in the namespace -n; the default here is understudy-system. Checks CRDs, admission policies, the operator with its rights, its Lease, caches and queue, images, Services and
/// models. Uses your own rights: a check that you may not make is skipped and names the right that is missing. The
/// role understudy-doctor of the chart has all of them. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 no problem, 1 problems found (FAIL or warn), 2 nothing could be checked.

Example: kubectl understudy doctor -n understudy-system")]
pub struct DoctorArgs {
    /// Checks the operators of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}

impl DoctorArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let system = session.globals.namespace.as_deref().unwrap_or(SYSTEM);
        if session.globals.show_kubectl {
            return output::print(&plain(system));
        }
        let (diagnosis, _) = diagnose(session, system, self.all_namespaces).await?;
        output::show(session.globals.output, &diagnosis, Diagnosis::text)?;
        if !diagnosis.saw_anything() {
            return Err(Error::Unseen("you have none of the rights that the checks need".to_owned()));
        }
        if diagnosis.summary.has_problems() { Err(Error::Problems) } else { Ok(()) }
    }
}

/// Checks the operators of one namespace, or of all. Also returns what the first one was configured with.
pub(crate) async fn diagnose(
    session: &Session,
    system: &str,
    everywhere: bool,
) -> Result<(Diagnosis, Config), Error> {
    let reader = Reader::new(session.client.clone());
    let (server, now) = reader.server().await.map_err(Error::Unseen)?;
    let found = gather::operators(&reader, if everywhere { None } else { Some(system) }).await;
    let mut installations = vec![];
    let mut config = None;
    for (namespace, operator) in targets(system, found) {
        let facts = gather::facts(&reader, &namespace, operator, (&server, now)).await;
        installations.push(judged(&facts));
        config.get_or_insert(facts.config);
    }
    let config = config.expect("there is always a namespace to check");
    Ok((Diagnosis::of(env!("CARGO_PKG_VERSION"), installations), config))
}

fn judged(facts: &Facts) -> Installation {
    Installation {
        namespace: facts.system.clone(),
        release: facts.config.release.clone(),
        checks: checks::all(facts),
    }
}

/// The namespaces to check, each with its operator. Without any operator, the namespace where one is expected.
fn targets(system: &str, found: Seen<Vec<Value>>) -> Vec<(String, Result<Option<Value>, Blind>)> {
    match found {
        Ok(operators) if operators.is_empty() => vec![(system.to_owned(), Ok(None))],
        Ok(operators) => {
            let namespace = |o: &Value| o["metadata"]["namespace"].as_str().unwrap_or(system).to_owned();
            operators.into_iter().map(|operator| (namespace(&operator), Ok(Some(operator)))).collect()
        }
        Err(blind) => vec![(system.to_owned(), Err(blind))],
    }
}

/// Commands that show most of what the checks judge.
pub(crate) fn plain(system: &str) -> String {
    format!(
        "\
kubectl get crd modelversions.understudy.dev modeldeployments.understudy.dev
kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings -o yaml
kubectl -n {system} get deployments,pods,configmaps,leases -o wide
kubectl auth can-i --list --as=system:serviceaccount:{system}:understudy-operator
kubectl get --raw /api/v1/namespaces/{system}/pods/POD:8080/proxy/metrics
kubectl get nodes,mdep,mv -A -o wide
kubectl get deployments,services,configmaps,poddisruptionbudgets,endpointslices,pods -A -l app.kubernetes.io/managed-by=understudy"
    )
}
