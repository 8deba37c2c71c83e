//! The operator of Understudy. docs/architecture.md describes its modules.

mod approval;
mod args;
mod backoff;
mod check;
mod clock;
mod cluster;
mod config;
mod context;
mod controller;
mod decision_log;
mod error_chain;
#[cfg(test)]
mod fixtures;
mod health;
mod http;
mod images;
mod leader;
mod metrics;
#[cfg(test)]
mod mock_api;
#[cfg(test)]
mod mock_pods;
#[cfg(test)]
mod model;
mod model_server;
mod outages;
mod policy;
mod reasons;
mod rollout;
mod run;
mod startup;

use clap::Parser;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    let args = args::Args::parse();
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().json().flatten_event(true))
        .with(args.run.log_filter())
        .init();
    let result = match args.command {
        Some(args::Command::Check { url }) => check::check(&url).await.map_err(|e| error_chain::chain(&e)),
        None => run::run(args.run).await.map_err(|e| error_chain::chain(&e)),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            tracing::error!(error = message, "the operator failed");
            std::process::ExitCode::FAILURE
        }
    }
}
