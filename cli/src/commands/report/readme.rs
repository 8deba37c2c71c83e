//! The description inside a report, and what is printed after it was written. Pure.

use std::path::Path;

use crate::kubectl::command;

/// Files or reasons in one list.
const SHOWN: usize = 50;

/// What is known about a finished report.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// Version of the plugin.
    pub plugin: &'a str,
    /// Version of the API server.
    pub server: &'a str,
    /// Version of the chart.
    pub chart: &'a str,
    /// When it was made.
    pub at: String,
    /// The option `--since`.
    pub since: &'a str,
    /// Whether names of people are in it.
    pub with_names: bool,
    /// What could not be read, and why.
    pub missing: &'a [String],
    /// Files that the limit did not allow.
    pub left_out: &'a [String],
}

impl Contents<'_> {
    /// `README.txt`.
    #[must_use]
    pub fn readme(&self) -> String {
        let names = if self.with_names {
            "Names of people are in this report, because it was made with --with-names."
        } else {
            "Names of people are replaced by person- and a hash. One name has one hash in this report,\n  and another hash in another report. Accounts of programs (system:...) stay."
        };
        format!(
            "\
A report about an installation of Understudy, for a bug report.

Made    {at} by kubectl-understudy {plugin}
Chart   {chart}
Server  Kubernetes {server}
Logs    and events of the last {since}

What is in it
  doctor.txt, doctor.json   what `kubectl understudy doctor` found
  versions.json             versions of plugin, chart and API server
  cluster/                  both CRDs without their schemas, and the admission policies
  operator/                 Deployment, pods, Lease, configuration, /metrics, /livez and /readyz
  logs/                     logs of the operator, at most 2 MiB for each container
  events.yaml               Events of the operator's namespace and of models
  objects/                  ModelVersions, ModelDeployments and the objects that belong to them, with their status

What was removed
  {names}
  Feedback, comments, reasons of decisions, descriptions and documentation. Their length is shown.
  User and query of every URL. Passwords, tokens, keys and PEM blocks, wherever a text looks like one.
  Values of environment variables, other annotations than those of Understudy, other files in ConfigMaps.
  Secrets are never read. Logs of models and recorded calls are not in it.

Names of models, namespaces, images, nodes and hosts, and metrics of evaluations, are in it.
{missing}{left_out}",
            at = self.at,
            plugin = self.plugin,
            chart = self.chart,
            server = self.server,
            since = self.since,
            missing = list("Not in it, because it could not be read", self.missing),
            left_out = list("Not in it, because of the limit of the size (--limit-mib)", self.left_out),
        )
    }

    /// What is printed at the end.
    #[must_use]
    pub fn farewell(&self, path: &Path, files: usize, bytes: u64) -> String {
        let file = path.display().to_string();
        let words = |words: &[&str]| command(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        format!(
            "wrote {file}: {files} files, {} KiB\n{}{}
Before you send it, read what is in it. Programs write logs and Events, and a text of theirs may name what you do not want
to share:
  {}
  {}
  {}\n",
            bytes.div_ceil(1024),
            list("Not in it, because it could not be read", self.missing),
            list("Not in it, because of the limit of the size (--limit-mib)", self.left_out),
            words(&["tar", "-tzf", &file]),
            words(&["tar", "-xzOf", &file, "understudy-report/README.txt"]),
            words(&["tar", "-xzOf", &file, "understudy-report/logs", "understudy-report/events.yaml"]),
        )
    }
}

fn list(heading: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut lines = vec![format!("\n{heading}")];
    lines.extend(items.iter().take(SHOWN).map(|item| format!("  {item}")));
    if items.len() > SHOWN {
        lines.push(format!("  and {} more", items.len() - SHOWN));
    }
    lines.join("\n") + "\n"
}
