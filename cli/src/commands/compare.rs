//! `compare`

use clap::Args;
use jiff::Timestamp;

use super::list::words;
use crate::{
    compare::Compare as View, error::Error, identity::Act, output, session::Session, write::command,
};

/// Shows how the challenger does beside main on the same calls, and what drifts.
#[derive(Debug, Args)]
#[command(after_help = "\
Every share and mean is shown with its 95 % interval. \"too few to tell\" and \"no difference can be told yet\" say
when more calls are needed before a difference means something.

Example: kubectl understudy compare fraud -n risk")]
pub struct Compare {
    /// The deployment
    pub deployment: String,
}

impl Compare {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let name = self.deployment.strip_prefix("mdep/").unwrap_or(&self.deployment);
        let flags = session.kubectl_flags();
        if session.globals.show_kubectl {
            println!("{}", command(&[words("kubectl describe mdep"), vec![name.to_owned()], flags].concat()));
            return Ok(());
        }
        let md = session.deployments().get(name).await.map_err(Error::api(Act::Read))?;
        output::show(session, &View::of(&md, &flags), |compare| compare.text(Timestamp::now()));
        Ok(())
    }
}
