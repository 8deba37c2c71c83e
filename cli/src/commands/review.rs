//! `review`

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    error::Error,
    identity::Act,
    kubectl::{command, words},
    name::VersionName,
    output,
    review::{self as view, Subject, text},
    session::Session,
};

/// Shows what a reviewer must see of a version: documentation, evaluation, what it would replace.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy review fraud/1.3.0 -n risk")]
pub struct Review {
    /// The version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
}

impl Review {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        if session.globals.show_kubectl {
            println!(
                "{}",
                command(
                    &[words("kubectl describe mv"), vec![self.name.object()], session.kubectl_flags()]
                        .concat()
                )
            );
            return Ok(());
        }
        let found = Found::get(session, &self.name).await?;
        output::show(session.globals.output, &found.review(session), |review| {
            text::full(review, Timestamp::now())
        });
        Ok(())
    }
}

/// What a review is made of.
pub struct Found {
    /// The version under review.
    pub version: ModelVersion,
    deployment: Option<ModelDeployment>,
    main: Option<ModelVersion>,
}

impl Found {
    /// Reads the version, its deployment and the present main.
    pub async fn get(session: &Session, name: &VersionName) -> Result<Self, Error> {
        let version = session.version(name).await?;
        let deployment =
            session.deployments().get_opt(&version.spec.deployment).await.map_err(Error::api(Act::Read))?;
        let served =
            deployment.as_ref().and_then(ModelDeployment::main).map(|main| main.model_version.clone());
        let main = match served.filter(|name| *name != version.name_any()) {
            Some(name) => session.versions().get_opt(&name).await.map_err(Error::api(Act::Read))?,
            None => None,
        };
        Ok(Self { version, deployment, main })
    }

    /// What the reviewer must see of it.
    #[must_use]
    pub fn review(&self, session: &Session) -> view::Review {
        let subject = Subject {
            version: &self.version,
            deployment: self.deployment.as_ref(),
            main: self.main.as_ref(),
        };
        view::Review::of(subject, &session.kubectl_flags())
    }
}
