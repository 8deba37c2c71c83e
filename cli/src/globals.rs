//! The flags of every subcommand. Most of them are those of kubectl.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The flags of every subcommand.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Flags of every subcommand")]
pub struct Globals {
    /// Namespace. Default: the namespace of the context
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// Context of the kubeconfig. Default: its current context
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// Path of the kubeconfig. Default: $KUBECONFIG, then ~/.kube/config
    #[arg(long, global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// User to impersonate
    #[arg(long = "as", value_name = "USER", global = true)]
    pub as_user: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long, value_name = "GROUP", global = true, requires = "as_user")]
    pub as_group: Vec<String>,
    /// Output format
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Format,
    /// Writes without asking
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Prints the plain kubectl commands that do the same, and writes nothing
    #[arg(long, global = true)]
    pub show_kubectl: bool,
}

/// Output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    #[value(alias = "text")]
    Table,
    /// JSON for programs, with the stable fields of docs/cli.md.
    Json,
}
