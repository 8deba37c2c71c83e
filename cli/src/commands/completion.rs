//! `completion`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;

/// Prints a shell's completion script for kubectl-understudy.
#[derive(Debug, Args)]
#[command(after_help = "Example: source <(kubectl understudy completion bash)")]
pub struct Completion {
    /// The shell
    pub shell: Shell,
}

impl Completion {
    /// Runs it: no cluster is asked.
    pub fn run(self) {
        clap_complete::generate(
            self.shell,
            &mut Cli::command(),
            "kubectl-understudy",
            &mut std::io::stdout(),
        );
    }
}
