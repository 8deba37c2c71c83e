//! Whether this version is the one behind the stable endpoint, as the routing file says.
//!
//! The file is a key of a mounted ConfigMap. The kubelet changes it by swapping a symbolic link two levels up, which
//! makes watches easy to get wrong; reading 20 bytes of a memory file five times a second is right and costs nothing
//! that can be measured.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;

use crate::metrics::Metrics;

/// How soon a change is seen.
const EVERY: Duration = Duration::from_millis(200);

/// Main, not yet, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Has never been main. Its main port is like any other: the Service may switch before the file arrives.
    NotYet,
    /// Is main.
    Main,
    /// Was main. Its callers must go to its successor.
    NoLonger,
}

impl Standing {
    /// What it becomes once it is known whether this version is main.
    #[must_use]
    pub fn next(self, main: bool) -> Self {
        match (self, main) {
            (_, true) => Self::Main,
            (Self::NotYet, false) => Self::NotYet,
            (Self::Main | Self::NoLonger, false) => Self::NoLonger,
        }
    }
}

#[derive(Deserialize)]
struct Routing {
    main: Option<String>,
}

/// Reads whether `version` is main. A file that is absent says no; one that is damaged says nothing.
fn read(file: &Path, version: &str) -> Option<bool> {
    match std::fs::read(file) {
        Ok(bytes) => match serde_json::from_slice::<Routing>(&bytes) {
            Ok(routing) => Some(routing.main.as_deref() == Some(version)),
            Err(error) => {
                tracing::warn!("failed to read {}: {error}", file.display());
                None
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(false),
        Err(error) => {
            tracing::warn!("failed to read {}: {error}", file.display());
            None
        }
    }
}

/// Follows the routing file for as long as the process lives.
pub async fn follow(file: &Path, version: &str, standing: watch::Sender<Standing>, metrics: &Metrics) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(main) = read(file, version) {
            standing.send_if_modified(|standing| {
                let next = standing.next(main);
                let changed = next != *standing;
                if changed {
                    metrics.set_main(next == Standing::Main);
                    tracing::info!(from = ?standing, to = ?next, "the role changed");
                }
                *standing = next;
                changed
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_main_sends_its_callers_away() {
        assert_eq!(Standing::NotYet.next(false), Standing::NotYet);
        assert_eq!(Standing::NotYet.next(true), Standing::Main);
        assert_eq!(Standing::Main.next(false), Standing::NoLonger);
        assert_eq!(Standing::NoLonger.next(false), Standing::NoLonger);
        assert_eq!(Standing::NoLonger.next(true), Standing::Main);
    }

    #[test]
    fn the_file_names_one_version_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("routing.json");
        assert_eq!(read(&file, "1.3.0"), Some(false), "an absent file: not main");
        for (text, expected) in [
            (r#"{"main":"1.3.0"}"#, Some(true)),
            (r#"{"main":"1.3.0","since":"2026-11-21"}"#, Some(true)),
            (r#"{"main":"1.3.1"}"#, Some(false)),
            (r#"{"main":null}"#, Some(false)),
            (r#"{"main":"#, None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&file, "1.3.0"), expected, "{text}");
        }
    }
}
