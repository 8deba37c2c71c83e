//! `completion`, and the hidden `__complete` behind it.

use std::time::Duration;

use clap::{Args, Command, FromArgMatches, ValueEnum};
use clap_complete::Shell;
use kube::{Api, Resource, ResourceExt, api::ListParams, core::PartialObjectMeta};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    complete::{Wanted, wanted},
    error::Error,
    globals::Globals,
    output,
    session::Session,
};

/// Whoever presses TAB does not wait longer for a cluster.
const PATIENCE: Duration = Duration::from_secs(2);
/// kubectl's sign that no file names belong here.
const NO_FILES: &str = ":4";
/// What kubectl runs for `kubectl understudy <TAB>` if it finds it as `kubectl_complete-understudy` in the PATH.
const KUBECTL_COMPLETE: &str = "#!/bin/sh\nexec kubectl-understudy __complete \"$@\"";

/// Prints a completion script.
#[derive(Debug, Args)]
#[command(
    after_help = "`kubectl` prints the program by which kubectl itself completes `kubectl understudy`: save it as \
kubectl_complete-understudy in your PATH, executable. The others complete `kubectl-understudy`.

Example: kubectl understudy completion kubectl"
)]
pub struct CompletionArgs {
    /// For whom
    pub shell: For,
}

/// Who completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "shells need no explanation")]
pub enum For {
    Kubectl,
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

impl CompletionArgs {
    /// Runs it: no cluster is asked.
    pub fn run(self, mut tree: Command) -> Result<(), Error> {
        let shell = match self.shell {
            For::Kubectl => return output::print(KUBECTL_COMPLETE),
            For::Bash => Shell::Bash,
            For::Elvish => Shell::Elvish,
            For::Fish => Shell::Fish,
            For::PowerShell => Shell::PowerShell,
            For::Zsh => Shell::Zsh,
        };
        let mut script = vec![];
        clap_complete::generate(shell, &mut tree, "kubectl-understudy", &mut script);
        output::print(&String::from_utf8_lossy(&script))
    }
}

/// Completes the last of these words.
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// What was typed after `kubectl understudy`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

impl CompleteArgs {
    /// Prints what may stand there. A cluster that does not answer offers nothing.
    pub async fn run(self, tree: Command) -> Result<(), Error> {
        // As they were typed: clap has taken the flags of every subcommand out of `words`.
        let typed: Vec<String> = std::env::args().skip_while(|word| word != "__complete").skip(1).collect();
        let partial = typed.last().cloned().unwrap_or_default();
        let offered = match wanted(tree.clone(), &typed) {
            Wanted::Words(words) => words,
            names => tokio::time::timeout(PATIENCE, names_of(&names, globals(tree, &typed)))
                .await
                .unwrap_or_default(),
        };
        let mut lines: Vec<&str> =
            offered.iter().map(String::as_str).filter(|word| word.starts_with(&partial)).collect();
        lines.push(NO_FILES);
        output::print(&lines.join("\n"))
    }
}

async fn names_of(wanted: &Wanted, globals: Globals) -> Vec<String> {
    let Ok(session) = Session::connect(globals).await else { return vec![] };
    let versions =
        async { if *wanted == Wanted::Deployment { vec![] } else { names::<ModelVersion>(&session).await } };
    let deployments =
        async { if *wanted == Wanted::Version { vec![] } else { names::<ModelDeployment>(&session).await } };
    let (deployments, versions) = tokio::join!(deployments, versions);
    [deployments, versions].concat()
}

/// The flags typed so far: which cluster, which namespace. The line is not finished, so its errors do not count.
fn globals(tree: Command, words: &[String]) -> Globals {
    let line = std::iter::once("kubectl-understudy").chain(words.iter().map(String::as_str));
    let matches = tree.ignore_errors(true).try_get_matches_from(line).ok();
    matches.and_then(|matches| Globals::from_arg_matches(&matches).ok()).unwrap_or_default()
}

async fn names<K>(session: &Session) -> Vec<String>
where
    K: Clone + std::fmt::Debug + Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    let api: Api<PartialObjectMeta<K>> = Api::namespaced(session.client.clone(), &session.namespace);
    let found = api.list(&ListParams::default()).await;
    found.map(|list| list.items.iter().map(ResourceExt::name_any).collect()).unwrap_or_default()
}
