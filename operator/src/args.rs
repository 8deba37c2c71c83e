//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use tracing_subscriber::filter::Targets;

/// Publishes, reviews, serves and rolls back model versions on Kubernetes.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// What else the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a URL for a success answer, for `helm test`: exits with 1 when there is none.
    Check {
        /// The URL, for example `http://understudy-operator:8081/readyz`.
        #[arg(long)]
        url: String,
    },
}

/// How to run the operator.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// The configuration that the chart writes.
    #[arg(long, default_value = "/etc/understudy/config/config.yaml", env = "UNDERSTUDY_CONFIG")]
    pub config: PathBuf,
    /// Folder with `policy.json` and `binding.json`: the approval policy as it was installed.
    #[arg(long, default_value = "/etc/understudy/policy", env = "UNDERSTUDY_POLICY_DIR")]
    pub policy_dir: PathBuf,
    /// Port of `/metrics`.
    #[arg(long, default_value_t = 8080, env = "UNDERSTUDY_METRICS_PORT")]
    pub metrics_port: u16,
    /// Port of `/livez` and `/readyz`.
    #[arg(long, default_value_t = 8081, env = "UNDERSTUDY_HEALTH_PORT")]
    pub health_port: u16,
    /// Name of this pod: it identifies the holder of the lease.
    #[arg(long, env = "POD_NAME", default_value = "understudy-operator")]
    pub pod_name: String,
    /// Namespace of this pod: the lease is there.
    #[arg(long, env = "POD_NAMESPACE", default_value = "understudy-system")]
    pub pod_namespace: String,
    /// What is logged: a level, or a filter as `info,kube=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log: Targets,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }
}
