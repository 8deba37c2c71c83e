//! `review`

use clap::Args;
use jiff::Timestamp;
use understudy_crds::ModelDeployment;

use crate::{
    error::Error,
    identity::Act,
    kubectl::{command, words},
    name::VersionName,
    output,
    review::{ReviewReport, ReviewedObjects, text},
    session::Session,
};

/// Shows everything that a reviewer needs to decide on a version
///
/// That is the request with its comments and approvals, what an approval replaces, what callers of main have to change, the
/// digest, the Secrets, claims and foreign hosts that the version brings along, the differences from main's signature, the
/// metrics next to those of main with the results of the metric gates, the documentation, and the commands that decide.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy review fraud/1.3.0 -n risk")]
pub struct ReviewArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
}

impl ReviewArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        if session.globals.show_kubectl {
            return output::print(&command(
                &[words("kubectl describe mv"), vec![self.name.object()], session.kubectl_flags()].concat(),
            ));
        }
        let objects = fetch(session, &self.name).await?;
        let report = ReviewReport::of(&objects);
        let stamped = report.pending().is_some() && session.stamps_names().await;
        let report = report.with_commands(&session.kubectl_flags(), stamped);
        output::show(session.globals.output, &report, |review| text::full(review, Timestamp::now()))
    }
}

/// Reads the version, its deployment and the present main.
pub async fn fetch(session: &Session, name: &VersionName) -> Result<ReviewedObjects, Error> {
    let version = session.version(name).await?;
    let deployment =
        session.deployments().get_opt(&version.spec.deployment).await.map_err(Error::api(Act::Read))?;
    let served = deployment.as_ref().and_then(ModelDeployment::main).filter(|main| !main.is(&version));
    let main = match served {
        Some(served) => {
            let named =
                session.versions().get_opt(&served.model_version).await.map_err(Error::api(Act::Read))?;
            // An object that was deleted and created again is another version.
            named.filter(|named| served.is(named))
        }
        None => None,
    };
    Ok(ReviewedObjects { version, deployment, main })
}
