//! `report`: a redacted archive for a bug report.

mod archive;
mod collect;
mod credentials;
mod notes;
mod readme;
mod redact;

use std::{io, path::PathBuf};

use archive::Archive;
use clap::Args;
use collect::Collector;
use jiff::{SignedDuration, Timestamp};
use kube::core::Duration;
use readme::Contents;
use redact::Redactor;
use serde_json::json;

use super::doctor::{self, SYSTEM, diagnose, read::Reader};
use crate::{error::Error, output, session::Session};

/// Makes a redacted archive for a bug report
///
/// The operator is in the namespace -n; the default here is understudy-system. Contains the result of doctor, versions, both kinds with the objects that belong to them, Events, logs and metrics of
/// the operator. Never reads a Secret. Names of people are hashed; texts of people and credentials are removed. Uses
/// your own rights, and lists what it could not read. Read it before you send it.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 the archive is written, 1 it is not, 2 the API server does not answer.

Example: kubectl understudy report -n understudy-system --since 2h -f report.tar.gz")]
pub struct ReportArgs {
    /// File to write, which must not exist. Default: understudy-report-TIME.tar.gz
    #[arg(short, long)]
    pub file: Option<PathBuf>,
    /// Age of the oldest log lines and Events, for example 30m or 2h
    #[arg(long, default_value = "1h")]
    pub since: Duration,
    /// Most MiB that the archive may have. What does not fit is left out and listed
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub limit_mib: u64,
    /// Keeps the names of people
    #[arg(long)]
    pub with_names: bool,
}

impl ReportArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let system = session.globals.namespace.as_deref().unwrap_or(SYSTEM);
        if session.globals.show_kubectl {
            return output::print(&doctor::plain(system));
        }
        let reader = Reader::new(session.client.clone());
        let (server, now) = reader.server().await.map_err(Error::Unseen)?;
        let path = self.file.clone().unwrap_or_else(|| usual_name(now));
        let failed = |source: io::Error| Error::Archive { path: path.display().to_string(), source };
        // An error of the file ends the command before the cluster is read.
        let mut archive = Archive::create(&path, self.limit_mib << 20, now).map_err(failed)?;
        output::note("checking the installation");
        let (diagnosis, config) = diagnose(session, system, false).await?;
        let lasts =
            SignedDuration::try_from(std::time::Duration::from(self.since)).unwrap_or(SignedDuration::MAX);
        let since = now.checked_sub(lasts).unwrap_or(Timestamp::MIN);
        let mut redactor = Redactor::new(rand::random(), self.with_names);
        let mut collector = Collector::new(&reader, system, &config, since, now);
        output::note("reading logs, Events and objects");
        collector.learn(&mut redactor).await;
        archive.add("doctor.txt", &redactor.text(&diagnosis.text())).map_err(failed)?;
        archive.add("doctor.json", &redactor.text(&format!("{:#}", json!(diagnosis)))).map_err(failed)?;
        let chart = config.chart.clone().unwrap_or_else(|| "unknown".to_owned());
        let plugin = env!("CARGO_PKG_VERSION");
        let versions = json!({"plugin": plugin, "chart": chart, "server": server, "operatorImage": config.image,
            "serverImage": config.server_image, "watchNamespaces": config.watched});
        archive.add("versions.json", &redactor.text(&format!("{versions:#}"))).map_err(failed)?;
        collector.write(&mut archive, &redactor).await.map_err(failed)?;
        let (files, left_out) = (archive.files + 1, std::mem::take(&mut archive.left_out));
        let contents = Contents {
            plugin,
            server: &server,
            chart: &chart,
            at: now.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
            since: &crate::when::span(lasts.as_secs()),
            with_names: self.with_names,
            missing: &collector.missing,
            left_out: &left_out,
        };
        let bytes = archive.finish("README.txt", &contents.readme()).map_err(failed)?;
        let result = json!({"file": path, "files": files, "bytes": bytes, "missing": collector.missing, "leftOut": left_out});
        output::show(session.globals.output, &result, |_| contents.farewell(&path, files, bytes))
    }
}

fn usual_name(now: Timestamp) -> PathBuf {
    now.strftime("understudy-report-%Y%m%d-%H%M%S.tar.gz").to_string().into()
}
