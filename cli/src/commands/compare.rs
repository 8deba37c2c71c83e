//! `compare`

use clap::Args;
use jiff::Timestamp;

use crate::{
    compare::{CompareReport, text},
    error::Error,
    identity::Act,
    kubectl::{command, words},
    name::DeploymentName,
    output,
    session::Session,
};

/// Shows how the challenger does beside main on the same calls, and what drifts.
#[derive(Debug, Args)]
#[command(after_help = "\
Every share and mean is shown with its 95 % interval. \"too few to tell\" and \"no difference can be told yet\" say
when more calls are needed before a difference means something.

Example: kubectl understudy compare fraud -n risk")]
pub struct CompareArgs {
    /// The deployment
    pub deployment: DeploymentName,
}

impl CompareArgs {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let name = self.deployment.as_str();
        let flags = session.kubectl_flags();
        if session.globals.show_kubectl {
            return output::print(&command(
                &[words("kubectl describe mdep"), vec![name.to_owned()], flags].concat(),
            ));
        }
        let md = session.deployments().get(name).await.map_err(Error::api(Act::Read))?;
        output::show(session.globals.output, &CompareReport::of(&md, &flags), |compare| {
            text::full(compare, Timestamp::now())
        })
    }
}
