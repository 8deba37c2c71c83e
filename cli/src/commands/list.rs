//! `list`

use clap::Args;
use jiff::Timestamp;
use kube::{Api, api::ListParams};

use crate::{error::Error, identity::Act, list::Listing, output, session::Session, write::command};

/// How many objects one answer of the API server may hold.
const PAGE: u32 = 500;

/// Shows deployments and versions, and what waits for whom.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy list -A")]
pub struct List {
    /// In all namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
}

impl List {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        if session.globals.show_kubectl {
            let scope = if self.all_namespaces { vec!["-A".to_owned()] } else { session.kubectl_flags() };
            println!("{}", command(&[words("kubectl get mdep,mv"), scope].concat()));
            return Ok(());
        }
        let (deployments, versions) = if self.all_namespaces {
            (all(Api::all(session.client.clone())).await?, all(Api::all(session.client.clone())).await?)
        } else {
            (all(session.deployments()).await?, all(session.versions()).await?)
        };
        let listing = Listing::of(&deployments, &versions, self.all_namespaces);
        output::show(session, &listing, |listing| listing.text(Timestamp::now()));
        Ok(())
    }
}

/// The words of a command without anything to quote.
pub fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// Every object, page by page.
pub async fn all<K>(api: Api<K>) -> Result<Vec<K>, Error>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let mut items = vec![];
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await.map_err(Error::api(Act::Read))?;
        items.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(items),
        }
    }
}
