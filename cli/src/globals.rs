//! The flags of every subcommand, most of them kubectl's own, and how to print.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags of every subcommand.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// Namespace; else that of the kubeconfig's context
    #[arg(short, long, global = true)]
    pub namespace: Option<String>,
    /// Context of the kubeconfig
    #[arg(long, global = true)]
    pub context: Option<String>,
    /// Path of the kubeconfig; else $KUBECONFIG, else ~/.kube/config
    #[arg(long, global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// User to impersonate
    #[arg(long = "as", value_name = "USER", global = true)]
    pub as_user: Option<String>,
    /// Group to impersonate, may be repeated
    #[arg(long, value_name = "GROUP", global = true, requires = "as_user")]
    pub as_group: Vec<String>,
    /// How to print
    #[arg(short, long, global = true, value_enum, default_value_t)]
    pub output: Format,
    /// Write without asking
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Print the plain kubectl commands that do the same, and write nothing
    #[arg(long, global = true)]
    pub show_kubectl: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs; the fields are documented in docs/cli.md and stay.
    Json,
}
