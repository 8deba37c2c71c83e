//! The real kubectl, as people use it.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{Cluster, Person};

/// What kubectl printed.
#[derive(Debug)]
pub struct Output {
    /// The command, for messages.
    command: String,
    /// Whether it ended with 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Its output, if it succeeded.
    pub fn done(self) -> Result<String> {
        if self.success {
            return Ok(self.stdout);
        }
        bail!("{} failed: {}{}", self.command, self.stdout, self.stderr)
    }

    /// Its words, if it was refused.
    pub fn refused(self) -> Result<String> {
        if !self.success {
            return Ok(self.stderr);
        }
        bail!("{} was not refused: {}", self.command, self.stdout)
    }
}

impl Cluster {
    /// Runs kubectl as `person`, with `stdin`.
    pub(crate) async fn run_kubectl(
        &self,
        person: Person,
        arguments: &[&str],
        stdin: &[u8],
    ) -> Result<Output> {
        let mut child = Command::new(self.kubectl())
            .args(self.kubectl_arguments(person))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("failed to start kubectl")?;
        let mut input = child.stdin.take().expect("stdin is piped");
        let write = async {
            // A kubectl that has refused its arguments reads nothing.
            let _ = input.write_all(stdin).await;
            drop(input);
        };
        let ((), output) = tokio::join!(write, child.wait_with_output());
        let output = output?;
        Ok(Output {
            command: format!("kubectl {} (as {})", arguments.join(" "), person.name()),
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
