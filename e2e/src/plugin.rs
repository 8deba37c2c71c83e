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

/// The binary of this checkout, built with the profile and target folder of this test.
static BINARY: LazyLock<Result<PathBuf, String>> =
    LazyLock::new(|| build().map_err(|error| format!("failed to build kubectl-understudy: {error}")));

fn build() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let profile =
        own.parent().and_then(Path::parent).context("a test program is in <target>/<profile>/deps")?;
    let target = profile.parent().context("the folder of a profile is in the target folder")?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "-p", "kubectl-understudy", "--target-dir"]).arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    ensure!(command.status()?.success(), "cargo build failed");
    Ok(profile.join("kubectl-understudy"))
}

/// The path of `kubectl-understudy`, built if necessary.
pub fn binary() -> Result<&'static Path> {
    BINARY.as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

/// Exit code and output of a command.
pub struct Exit {
    command: String,
    code: i32,
    stdout: String,
    stderr: String,
}

impl Exit {
    /// Standard output, if the exit code was 0.
    pub fn done(self) -> Result<String> {
        ensure!(self.code == 0, "{} ended with {}: {}{}", self.command, self.code, self.stdout, self.stderr);
        Ok(self.stdout)
    }

    /// Standard output as JSON, if the exit code was 0.
    pub fn json(self) -> Result<Value> {
        Ok(serde_json::from_str(&self.done()?)?)
    }

    /// Standard error, if the command ended with this exit code.
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

/// The plugin with these arguments, as this person, in the story's namespace.
pub fn command(story: &Story, person: Person, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary()?);
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

/// Runs the plugin to its end.
pub async fn run(story: &Story, person: Person, arguments: &[&str]) -> Result<Exit> {
    let line = format!("kubectl understudy {} (as {})", arguments.join(" "), person.name());
    finish(line, command(story, person, arguments)?).await
}

/// Runs lines of shell; `kubectl` is that of the cluster.
pub async fn shell(story: &Story, lines: &str) -> Result<Exit> {
    let kubectl = story.cluster().kubectl();
    let folders = kubectl.parent().into_iter().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", lines])
        .env("PATH", std::env::join_paths(folders.chain(std::env::split_paths(&path)))?);
    finish(lines.to_owned(), command).await
}

async fn finish(line: String, mut command: Command) -> Result<Exit> {
    let output = command.output().await?;
    Ok(Exit {
        command: line,
        code: output.status.code().context("a signal ended the command")?,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
