//! Signals to processes of this machine.

use std::process::Command;

use anyhow::{Result, ensure};

/// Sends a signal, such as `-STOP`, to the process with this id.
pub(crate) fn send(signal: &str, process: u32) -> Result<()> {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status()?;
    ensure!(sent.success(), "failed to send {signal} to process {process}");
    Ok(())
}
