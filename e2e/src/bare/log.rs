//! What operators wrote to their logs. After every test they hold no panic, no unexpected error, and no whole object.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result, bail, ensure};
use futures::FutureExt;
use tempfile::TempDir;

use crate::log_line::fault;

/// Most bytes in a line. A line that names an object and says what failed is shorter; one that holds an object is not.
const LINE: usize = 4096;

/// The log of one operator.
#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
    /// Words of errors that the test causes.
    expected: Vec<&'static str>,
}

impl Log {
    /// A log in this file, in which errors with these words are expected.
    #[must_use]
    pub const fn new(path: PathBuf, expected: Vec<&'static str>) -> Self {
        Self { path, expected }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Everything that was written so far.
    pub fn text(&self) -> Result<String> {
        let bytes = std::fs::read(&self.path)
            .with_context(|| format!("failed to read the log {}", self.path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Fails if the log has a line that no operator should write.
    pub fn check(&self) -> Result<()> {
        let text = self.text()?;
        for line in text.lines() {
            let beginning: String = line.chars().take(600).collect();
            let is_expected = || self.expected.iter().any(|words| line.contains(words));
            if let Some(fault) = fault(line, is_expected) {
                bail!("the operator {fault}: {beginning}");
            }
            ensure!(line.len() <= LINE, "a line of {} bytes in the log: {beginning}", line.len());
        }
        Ok(())
    }

    /// The last lines, shortened, for the output of a failed test.
    #[must_use]
    pub fn end(&self) -> String {
        let text = self.text().unwrap_or_default();
        let lines: Vec<String> =
            text.lines().map(|line| line.chars().take(400).collect::<String>()).collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

/// The logs of all operators that a test starts.
pub struct Logs {
    dir: TempDir,
    all: Mutex<Vec<Log>>,
}

impl Logs {
    /// No logs yet.
    pub fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("understudy-logs-").tempdir()?;
        Ok(Self { dir, all: Mutex::default() })
    }

    /// The log of a further operator of this name, in which errors with these words are expected.
    pub fn add(&self, operator: &str, expected: Vec<&'static str>) -> Log {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let log = Log::new(self.dir.path().join(format!("{}-{operator}.log", all.len())), expected);
        all.push(log.clone());
        log
    }

    /// Runs a test, and checks all logs at its end. If something is wrong, it prints the end of each log and what
    /// `diagnostics` returns.
    pub async fn checked(
        &self,
        test: impl Future<Output = Result<()>>,
        diagnostics: impl AsyncFnOnce() -> String,
    ) -> Result<()> {
        // A failed assertion must not hide the logs.
        let result = AssertUnwindSafe(test).catch_unwind().await;
        let logs = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let checked = logs.iter().try_for_each(Log::check);
        if !matches!(result, Ok(Ok(()))) || checked.is_err() {
            println!("{}", diagnostics().await);
            for log in &logs {
                println!("end of {}:\n{}", log.path().display(), log.end());
            }
        }
        match result {
            Ok(Ok(())) => checked,
            // A panic of the operator often explains why a test waited in vain.
            Ok(Err(error)) => Err(match checked {
                Ok(()) => error,
                Err(logged) => error.context(format!("{logged:#}")),
            }),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
