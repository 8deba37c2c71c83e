//! The command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Publishes, reviews, serves and rolls back model versions on Kubernetes.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

/// Commands other than running the operator.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send one GET request, for `helm test`. Exits with 1 unless the response has a 2xx status.
    Check {
        /// URL to request, for example `http://understudy-operator:8081/readyz`.
        #[arg(long)]
        url: String,
    },
}

/// Options of the operator.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// Configuration file, written by the chart.
    #[arg(long, default_value = "/etc/understudy/config/config.yaml", env = "UNDERSTUDY_CONFIG")]
    pub config: PathBuf,
    /// Directory with `policy.json` and `binding.json`, the approval policy that the chart installed.
    #[arg(long, default_value = "/etc/understudy/policy", env = "UNDERSTUDY_POLICY_DIR")]
    pub policy_dir: PathBuf,
    /// Port of `/metrics`.
    #[arg(long, default_value_t = 8080, env = "UNDERSTUDY_METRICS_PORT")]
    pub metrics_port: u16,
    /// Port of `/livez` and `/readyz`.
    #[arg(long, default_value_t = 8081, env = "UNDERSTUDY_HEALTH_PORT")]
    pub health_port: u16,
    /// Name of this pod, which identifies it as holder of the Lease.
    #[arg(long, env = "POD_NAME", default_value = "understudy-operator")]
    pub pod_name: String,
    /// Namespace of this pod, which also has the Lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "understudy-system")]
    pub pod_namespace: String,
    /// Log level, or a filter such as `info,kube_client=debug`.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    pub log: Targets,
}

impl RunArgs {
    /// The filter of the log. The client library logs what the operator logs itself, but with whole objects, so it is
    /// silent unless the filter names it.
    pub fn log_filter(&self) -> Targets {
        let named: Vec<_> = self.log.iter().map(|(target, _)| target.to_owned()).collect();
        let silent = ["kube_client", "kube_runtime"]
            .into_iter()
            .filter(|library| !named.iter().any(|target| target.starts_with(library)));
        self.log.clone().with_targets(silent.map(|library| (library, LevelFilter::OFF)))
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use rstest::rstest;
    use tracing::Level;

    #[test]
    fn the_command_line_is_sound() {
        super::Args::command().debug_assert();
    }

    #[rstest]
    #[case::by_default("info", false)]
    #[case::for_details_of_our_own("debug", false)]
    #[case::unless_it_is_asked_for("info,kube_client=debug", true)]
    fn the_client_library_does_not_log_whole_objects(#[case] filter: &str, #[case] logs: bool) {
        let args = super::Args::parse_from(["understudy-operator", "--log", filter]);
        let found = args.run.log_filter();
        assert_eq!(found.would_enable("kube_client::client", &Level::WARN), logs);
        assert!(found.would_enable("understudy_operator::run", &Level::INFO));
    }
}
