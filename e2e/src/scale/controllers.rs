//! The controllers of Deployments, paused: then no pod starts, and only the operator and the API server are measured.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};

/// While this exists, kube-controller-manager does nothing.
pub struct Paused {
    process: String,
}

impl Paused {
    /// Stops the process until this is dropped.
    pub fn now() -> Result<Self> {
        let folder = std::env::var_os("SCALE_PROCESSES")
            .map(PathBuf::from)
            .context("SCALE_PROCESSES is not set: run e2e/cluster/scale")?;
        let process = std::fs::read_to_string(folder.join("kube-controller-manager.pid"))?.trim().to_owned();
        signal("-STOP", &process)?;
        Ok(Self { process })
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        if let Err(error) = signal("-CONT", &self.process) {
            eprintln!("{error:#}");
        }
    }
}

fn signal(signal: &str, process: &str) -> Result<()> {
    let sent = Command::new("kill").args([signal, process]).status()?;
    ensure!(sent.success(), "failed to send {signal} to kube-controller-manager");
    Ok(())
}
