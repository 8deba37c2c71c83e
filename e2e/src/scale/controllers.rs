//! The controllers of Deployments, paused: then no pod starts, and only the operator and the API server are measured.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::signal;

/// While this exists, kube-controller-manager does nothing.
pub struct Paused {
    process: u32,
}

impl Paused {
    /// Stops the process until this is dropped.
    pub fn now() -> Result<Self> {
        let folder = std::env::var_os("SCALE_PROCESSES")
            .map(PathBuf::from)
            .context("SCALE_PROCESSES is not set: run e2e/cluster/scale")?;
        let process = std::fs::read_to_string(folder.join("kube-controller-manager.pid"))?.trim().parse()?;
        signal::send("-STOP", process).context("failed to pause kube-controller-manager")?;
        Ok(Self { process })
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        if let Err(error) = signal::send("-CONT", self.process) {
            eprintln!("kube-controller-manager is still paused: {error:#}");
        }
    }
}
