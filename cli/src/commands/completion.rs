//! `completion`, and the hidden `__complete` behind it.

use std::time::Duration;

use clap::{Args, Command, FromArgMatches, ValueEnum};
use clap_complete::Shell;
use kube::{Api, Resource, ResourceExt, api::ListParams, core::PartialObjectMeta};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::{
    complete::{Candidates, candidates},
    error::Error,
    globals::Globals,
    output,
    session::Session,
};

/// How long TAB waits for the cluster.
const PATIENCE: Duration = Duration::from_secs(2);
/// cobra's directive `ShellCompDirectiveNoFileComp`: kubectl completes no file names.
const NO_FILES: &str = ":4";
/// The program `kubectl_complete-understudy`, which kubectl runs for `kubectl understudy <TAB>` if it is in the PATH.
const KUBECTL_COMPLETE: &str = "#!/bin/sh\nexec kubectl-understudy __complete \"$@\"";

/// Prints a completion script
#[derive(Debug, Args)]
#[command(after_help = "\
`completion kubectl` prints a program that completes `kubectl understudy`. Save it as kubectl_complete-understudy in your
PATH and make it executable. The other scripts complete `kubectl-understudy`.

Example: kubectl understudy completion kubectl")]
pub struct CompletionArgs {
    /// The program that completes
    pub shell: Program,
}

/// The program that completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "shells need no explanation")]
pub enum Program {
    Kubectl,
    Bash,
    Elvish,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Zsh,
}

impl CompletionArgs {
    /// Prints the script. Needs no cluster.
    pub fn run(self, mut tree: Command) -> Result<(), Error> {
        let shell = match self.shell {
            Program::Kubectl => return output::print(KUBECTL_COMPLETE),
            Program::Bash => Shell::Bash,
            Program::Elvish => Shell::Elvish,
            Program::Fish => Shell::Fish,
            Program::PowerShell => Shell::PowerShell,
            Program::Zsh => Shell::Zsh,
        };
        let mut script = vec![];
        clap_complete::generate(shell, &mut tree, "kubectl-understudy", &mut script);
        output::print(&String::from_utf8_lossy(&script))
    }
}

/// Completes the last word of the line, for kubectl
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// The words after `kubectl understudy`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

impl CompleteArgs {
    /// Prints the possible words. If the cluster does not respond in time, there are none.
    pub async fn run(self, tree: Command) -> Result<(), Error> {
        // From the command line: clap has removed the flags of every subcommand from `words`.
        let typed: Vec<String> = std::env::args().skip_while(|word| word != "__complete").skip(1).collect();
        let partial = typed.last().cloned().unwrap_or_default();
        let offered = match candidates(tree.clone(), &typed) {
            Candidates::Words(words) => words,
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

async fn names_of(candidates: &Candidates, globals: Globals) -> Vec<String> {
    let Ok(session) = Session::connect(globals).await else { return vec![] };
    let versions = async {
        if *candidates == Candidates::Deployment { vec![] } else { names::<ModelVersion>(&session).await }
    };
    let deployments = async {
        if *candidates == Candidates::Version { vec![] } else { names::<ModelDeployment>(&session).await }
    };
    let (deployments, versions) = tokio::join!(deployments, versions);
    [deployments, versions].concat()
}

/// The flags on the line so far. The line is not complete, so its errors are ignored.
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
