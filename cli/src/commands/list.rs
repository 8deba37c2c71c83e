//! `list`

use clap::Args;
use jiff::Timestamp;
use kube::Api;

use crate::{
    error::Error,
    kubectl::{command, words},
    list::ListReport,
    output,
    session::{Session, all},
};

/// Lists deployments and versions, with pending requests
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy list -A")]
pub struct ListArgs {
    /// Lists the objects of all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}

impl ListArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        if session.globals.show_kubectl {
            let scope = if self.all_namespaces { vec!["-A".to_owned()] } else { session.kubectl_flags() };
            return output::print(&command(&[words("kubectl get mdep,mv"), scope].concat()));
        }
        let (deployments, versions) = if self.all_namespaces {
            (all(Api::all(session.client.clone())).await?, all(Api::all(session.client.clone())).await?)
        } else {
            (all(session.deployments()).await?, all(session.versions()).await?)
        };
        let listing = ListReport::of(&deployments, &versions, self.all_namespaces);
        output::show(session.globals.output, &listing, |listing| listing.text(Timestamp::now()))
    }
}
