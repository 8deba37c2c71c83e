//! Runs `kubectl-understudy`, the binary of this checkout.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::LazyLock,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::{Person, Story};

/// The binary of this checkout, built with the profile and in the folder of this test.
static BINARY: LazyLock<Result<PathBuf, String>> =
    LazyLock::new(|| build().map_err(|error| format!("failed to build kubectl-understudy: {error}")));

fn build() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile = own.parent().and_then(Path::parent).context("a test stands in <target>/<profile>/deps")?;
    let target = profile.parent().context("a profile's folder stands in the target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "-p", "kubectl-understudy", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    ensure!(command.status()?.success(), "cargo build failed");
    Ok(profile.join("kubectl-understudy"))
}

/// How an invocation ended.
pub struct Ended {
    command: String,
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// What it printed, if it succeeded.
    pub fn done(self) -> Result<String> {
        ensure!(self.code == 0, "{} ended with {}: {}{}", self.command, self.code, self.stdout, self.stderr);
        Ok(self.stdout)
    }

    /// What it printed, if it succeeded, as JSON.
    pub fn json(self) -> Result<Value> {
        Ok(serde_json::from_str(&self.done()?)?)
    }

    /// Why it refused, if it did so with this exit code.
    pub fn refused(self, code: i32) -> Result<String> {
        if self.code == code {
            return Ok(self.stderr);
        }
        bail!(
            "{} must end with {code}, ended with {}: {}{}",
            self.command,
            self.code,
            self.stdout,
            self.stderr
        )
    }
}

/// The command with the flags that make it this person's, in the story's namespace.
pub fn command(story: &Story, person: Person, arguments: &[&str]) -> Result<Command> {
    let binary = BINARY.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut command = Command::new(binary);
    command
        .args(story.cluster().kubectl_arguments(person))
        .args(["-n", story.namespace()])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// Runs it to its end.
pub async fn run(story: &Story, person: Person, arguments: &[&str]) -> Result<Ended> {
    let told = format!("kubectl understudy {} (as {})", arguments.join(" "), person.name());
    ended(told, command(story, person, arguments)?).await
}

/// Runs lines of a shell, where `kubectl` is that of the cluster.
pub async fn shell(story: &Story, lines: &str) -> Result<Ended> {
    let kubectl = story.cluster().kubectl();
    let folders = kubectl.parent().into_iter().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", lines])
        .env("PATH", std::env::join_paths(folders.chain(std::env::split_paths(&path)))?);
    ended(lines.to_owned(), command).await
}

async fn ended(told: String, mut command: Command) -> Result<Ended> {
    let output = command.output().await?;
    Ok(Ended {
        command: told,
        code: output.status.code().context("it was ended by a signal")?,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
