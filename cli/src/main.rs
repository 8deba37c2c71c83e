//! The binary `kubectl-understudy`, which kubectl runs as `kubectl understudy`.

use std::process::ExitCode;

use clap::Parser;
use kubectl_understudy::{cli::Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
