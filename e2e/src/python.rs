//! Packages of PyPI, for checks that need other people's tools.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, ensure};
use tokio::{process::Command, sync::Mutex};

use crate::sample;

/// One installation at a time, since two stories may need the same package.
static TURN: Mutex<()> = Mutex::const_new(());

/// The folder of a package and its dependencies, for `PYTHONPATH`. It is installed once on a machine.
pub async fn package(requirement: &str) -> Result<PathBuf> {
    let _turn = TURN.lock().await;
    let cache = std::env::var_os("UNDERSTUDY_CACHE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/understudy"));
    let cache = cache.or(home).context("neither UNDERSTUDY_CACHE nor HOME is set")?;
    let folder = cache.join("python").join(requirement.replace(['[', ']', '='], "-"));
    if folder.is_dir() {
        return Ok(folder);
    }
    // It gets its name when it is complete, so that an interrupted installation is not used.
    let partial = folder.with_extension(std::process::id().to_string());
    let pip = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"])
        .arg("--target")
        .args([partial.as_os_str(), requirement.as_ref()])
        .status();
    ensure!(pip.await?.success(), "failed to install {requirement}");
    std::fs::rename(&partial, &folder)?;
    Ok(folder)
}

/// A package, in the version of `samples/requirements.txt`.
pub(crate) async fn sample_package(name: &str) -> Result<PathBuf> {
    let all = String::from_utf8(sample::read("samples/requirements.txt")?)?;
    let pinned = all.lines().find(|line| line.split("==").next() == Some(name));
    package(pinned.with_context(|| format!("samples/requirements.txt has no line for {name}"))?).await
}

/// Standard output of a script, if it succeeded.
pub(crate) fn stdout(what: &str, output: Output) -> Result<String> {
    let Output { status, stdout, stderr } = output;
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    ensure!(status.success(), "{what} failed: {stdout}{stderr}");
    Ok(stdout.into_owned())
}
