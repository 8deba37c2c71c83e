//! `history`

use clap::Args;
use understudy_crds::ModelVersion;

use super::list::{all, words};
use crate::{
    error::Error,
    history::Record,
    identity::Act,
    name::{AnyName, VersionName},
    output,
    session::Session,
    write::command,
};

/// Shows who decided what, when and why; of a deployment also what was main, from when to when.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy history fraud -n risk")]
pub struct History {
    /// A deployment (fraud) or a version (fraud-1.3.0, fraud/1.3.0); mdep/fraud and mv/fraud-1.3.0 say which
    pub name: AnyName,
}

impl History {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        if session.globals.show_kubectl {
            let (kind, name) = match &self.name {
                AnyName::Deployment(name) | AnyName::Either(name) => ("mdep", name.clone()),
                AnyName::Version(name) => ("mv", name.object()),
            };
            let read =
                [words("kubectl get"), vec![kind.to_owned(), name], words("-o jsonpath={.status.history}")];
            println!("{}", command(&[read.concat(), session.kubectl_flags()].concat()));
            return Ok(());
        }
        output::show(session, &self.record(session).await?, Record::text);
        Ok(())
    }

    async fn record(&self, session: &Session) -> Result<Record, Error> {
        match &self.name {
            AnyName::Version(name) => Ok(Record::of_version(&session.version(name).await?)),
            AnyName::Deployment(name) => {
                of_deployment(session, name).await?.ok_or_else(|| missing(name, session))
            }
            AnyName::Either(name) => match of_deployment(session, name).await? {
                Some(record) => Ok(record),
                None => Ok(Record::of_version(&session.version(&VersionName::Object(name.clone())).await?)),
            },
        }
    }
}

async fn of_deployment(session: &Session, name: &str) -> Result<Option<Record>, Error> {
    let Some(md) = session.deployments().get_opt(name).await.map_err(Error::api(Act::Read))? else {
        return Ok(None);
    };
    let mut versions: Vec<ModelVersion> = all(session.versions()).await?;
    versions.retain(|mv| mv.spec.deployment == name);
    Ok(Some(Record::of_deployment(&md, &versions)))
}

fn missing(name: &str, session: &Session) -> Error {
    Error::Refused(format!("there is no ModelDeployment {name} in namespace {}", session.namespace))
}
