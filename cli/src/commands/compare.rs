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

/// Compares the challenger with main on the same calls, and shows drift
#[derive(Debug, Args)]
#[command(after_help = "\
Every share and mean has its 95 % interval. \"too few to tell\" and \"no difference yet\" mean that more calls are needed.

Example: kubectl understudy compare fraud -n risk")]
pub struct CompareArgs {
    /// Deployment: fraud or mdep/fraud
    pub deployment: DeploymentName,
}

impl CompareArgs {
    /// Runs the subcommand.
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
