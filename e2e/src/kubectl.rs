//! The real kubectl and helm, as people use them.

use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{Cluster, Person, cluster::checkout};

/// The output of a command that ended.
#[derive(Debug)]
pub struct Output {
    /// The command, for error messages.
    command: String,
    /// Whether the exit code was 0.
    pub success: bool,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output, if the command succeeded.
    pub fn done(self) -> Result<String> {
        if self.success {
            return Ok(self.stdout);
        }
        bail!("{} failed: {}{}", self.command, self.stdout, self.stderr)
    }

    /// Standard error, if the command failed.
    pub fn refused(self) -> Result<String> {
        if !self.success {
            return Ok(self.stderr);
        }
        bail!("{} must be refused, but it printed: {}", self.command, self.stdout)
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
        let mut command = Command::new(self.kubectl());
        command.args(self.kubectl_arguments(person)).args(arguments);
        run(command, format!("kubectl {} (as {})", arguments.join(" "), person.name()), stdin).await
    }

    /// Runs helm as the administrator, with `stdin`. The argument `CHART` stands for the chart of this checkout.
    pub async fn helm(&self, arguments: &[&str], stdin: &[u8]) -> Result<Output> {
        let chart = checkout().join("charts/understudy");
        let mut command = Command::new(self.tool("helm"));
        command.args(self.kubectl_arguments(Person::Admin));
        for argument in arguments {
            if *argument == "CHART" {
                command.arg(&chart)
            } else {
                command.arg(argument)
            };
        }
        run(command, format!("helm {}", arguments.join(" ")), stdin).await
    }
}

async fn run(mut command: Command, line: String, stdin: &[u8]) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("failed to start {line}"))?;
    let mut input = child.stdin.take().expect("stdin is piped");
    let write = async {
        // A program that rejects its arguments does not read its input.
        let _ = input.write_all(stdin).await;
        drop(input);
    };
    let ((), output) = tokio::join!(write, child.wait_with_output());
    let output = output?;
    Ok(Output {
        command: line,
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
