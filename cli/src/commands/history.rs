//! `history`

use clap::Args;
use understudy_crds::ModelVersion;

use crate::{
    error::Error,
    history::HistoryReport,
    identity::Act,
    kubectl::{command, words},
    name::{AnyName, VersionName},
    output,
    session::{Session, all},
};

/// Shows who decided what, when and why
///
/// For a deployment, also which version was main in which period, and by whose approval.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy history fraud -n risk")]
pub struct HistoryArgs {
    /// Deployment (fraud, mdep/fraud) or version (fraud-1.3.0, fraud/1.3.0, mv/fraud-1.3.0)
    pub name: AnyName,
}

impl HistoryArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        if session.globals.show_kubectl {
            let (kind, name) = match &self.name {
                AnyName::Deployment(name) | AnyName::Either(name) => ("mdep", name.clone()),
                AnyName::Version(name) => ("mv", name.object()),
            };
            let read =
                [words("kubectl get"), vec![kind.to_owned(), name], words("-o jsonpath={.status.history}")];
            return output::print(&command(&[read.concat(), session.kubectl_flags()].concat()));
        }
        output::show(session.globals.output, &self.record(session).await?, HistoryReport::text)
    }

    async fn record(&self, session: &Session) -> Result<HistoryReport, Error> {
        match &self.name {
            AnyName::Version(name) => Ok(HistoryReport::of_version(&session.version(name).await?)),
            AnyName::Deployment(name) => {
                of_deployment(session, name).await?.ok_or_else(|| missing(name, session))
            }
            AnyName::Either(name) => match of_deployment(session, name).await? {
                Some(record) => Ok(record),
                None => {
                    Ok(HistoryReport::of_version(&session.version(&VersionName::Object(name.clone())).await?))
                }
            },
        }
    }
}

async fn of_deployment(session: &Session, name: &str) -> Result<Option<HistoryReport>, Error> {
    let Some(md) = session.deployments().get_opt(name).await.map_err(Error::api(Act::Read))? else {
        return Ok(None);
    };
    let mut versions: Vec<ModelVersion> = all(session.versions()).await?;
    versions.retain(|mv| mv.spec.deployment == name);
    Ok(Some(HistoryReport::of_deployment(&md, &versions)))
}

fn missing(name: &str, session: &Session) -> Error {
    Error::Refused(format!("ModelDeployment {name} does not exist in namespace {}", session.namespace))
}
