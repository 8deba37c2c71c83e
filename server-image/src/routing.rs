//! Follows the routing file: who is main, who is challenger, and what is recorded. The operator writes it.
//!
//! It is a file of a mounted ConfigMap. The kubelet replaces it by a symbolic link two levels up, so a watch would have
//! to follow several directories. Reading a few hundred bytes from memory five times a second is simpler, and its cost
//! cannot be measured.

use std::{io::ErrorKind, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{sync::watch, time::MissedTickBehavior};
use understudy_contract::{
    Routing,
    routing::{DriftRules, RecordingRules},
};

use crate::{metrics::Metrics, mirror::Challenger, role::MainRole};

/// Time between two reads of the file.
const INTERVAL: Duration = Duration::from_millis(200);

/// What the routing file means to this version.
#[derive(Debug, Default)]
pub struct ActiveRouting {
    /// The version that gets copies of this version's calls. `None` while this version is not main.
    pub challenger: Option<Arc<Challenger>>,
    /// What is recorded. `None` while recording is off.
    pub recording: Option<RecordingRules>,
    /// When a feature counts as drifting. Only servers with a baseline use it.
    pub drift: Option<DriftRules>,
}

impl ActiveRouting {
    /// What `routing` means to `version` of `deployment`. An unchanged challenger keeps its connections from `before`.
    fn new(routing: &Routing, deployment: &str, version: &str, before: &Self) -> Self {
        let route =
            routing.challenger.as_ref().filter(|route| is_main(routing, version) && route.version != version);
        let challenger = route.and_then(|route| {
            if let Some(same) = before.challenger.as_ref().filter(|before| before.has_route(route)) {
                return Some(Arc::clone(same));
            }
            match Challenger::new(route, deployment) {
                Ok(challenger) => Some(Arc::new(challenger)),
                Err(error) => {
                    tracing::warn!(url = route.url, error = %error, "the challenger has an invalid URL and gets no copies");
                    None
                }
            }
        });
        Self { challenger, recording: routing.recording.clone(), drift: routing.drift.clone() }
    }
}

/// Reads the file. Without a file everything is off. `None` if it cannot be read: then nothing changes.
fn read(file: &Path) -> Option<Routing> {
    let read = match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| error.to_string()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Routing::default()),
        Err(error) => Err(error.to_string()),
    };
    read.inspect_err(|error| tracing::warn!(path = %file.display(), error, "failed to read the routing file"))
        .ok()
}

/// Whether `version` is main.
fn is_main(routing: &Routing, version: &str) -> bool {
    routing.main.as_deref() == Some(version)
}

/// Follows `file` and updates `active` and `role`, until the process ends.
pub async fn follow(
    file: &Path,
    (deployment, version): (&str, &str),
    role: watch::Sender<MainRole>,
    active: &ArcSwap<ActiveRouting>,
    metrics: &Metrics,
) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut current = Routing::default();
    loop {
        ticks.tick().await;
        let Some(routing) = read(file).filter(|routing| *routing != current) else { continue };
        let next = ActiveRouting::new(&routing, deployment, version, &active.load());
        let challenger = next.challenger.as_ref().map(|challenger| challenger.identity.version.clone());
        let recording = next.recording.is_some();
        active.store(Arc::new(next));
        tracing::info!(challenger, recording, "the routing changed");
        let from = *role.borrow();
        let to = from.next(is_main(&routing, version));
        if to != from {
            metrics.set_main(to == MainRole::Main);
            role.send_replace(to);
            // Last: whoever reads it may rely on the new role.
            tracing::info!(?from, ?to, "the role changed");
        }
        current = routing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing(text: &str) -> Routing {
        serde_json::from_str(text).unwrap()
    }

    fn active(text: &str, version: &str, before: &ActiveRouting) -> ActiveRouting {
        ActiveRouting::new(&routing(text), "fraud", version, before)
    }

    fn challenger(text: &str, version: &str) -> Option<Arc<Challenger>> {
        active(text, version, &ActiveRouting::default()).challenger
    }

    const CHALLENGER: &str = r#"{"main":"1.3.0","challenger":{"version":"1.4.0","digest":"sha256:00",
        "url":"http://fraud-challenger.risk.svc","samplePercent":100,"timeoutMillis":1000}}"#;

    #[test]
    fn the_file_names_at_most_one_main_and_a_damaged_file_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("routing.json");
        let is_main = || read(&file).map(|routing| super::is_main(&routing, "1.3.0"));
        assert_eq!(is_main(), Some(false), "without a file, this version is not main");
        for (text, expected) in [
            (r#"{"main":"1.3.0"}"#, Some(true)),
            (r#"{"main":"1.3.0","since":"2026-11-21"}"#, Some(true)),
            (r#"{"main":"1.3.1"}"#, Some(false)),
            (r#"{"main":null}"#, Some(false)),
            (r#"{"main":"#, None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(is_main(), expected, "{text}");
        }
    }

    #[test]
    fn only_main_copies_its_calls_and_never_to_itself() {
        assert_eq!(challenger(CHALLENGER, "1.3.0").unwrap().identity.version, "1.4.0");
        assert!(challenger(CHALLENGER, "1.2.0").is_none(), "a version that is not main");
        assert!(challenger(CHALLENGER, "1.4.0").is_none(), "the challenger");
        assert!(challenger(&CHALLENGER.replace("1.3.0", "1.4.0"), "1.4.0").is_none(), "main itself");
    }

    #[test]
    fn an_unchanged_challenger_keeps_its_connections_and_another_one_gets_new_ones() {
        let first = active(CHALLENGER, "1.3.0", &ActiveRouting::default());
        let recorded = CHALLENGER.replacen('{', r#"{"recording":{"samplePercent":100},"#, 1);
        let second = active(&recorded, "1.3.0", &first);
        assert!(Arc::ptr_eq(first.challenger.as_ref().unwrap(), second.challenger.as_ref().unwrap()));
        let third = active(&CHALLENGER.replace("1.4.0", "1.5.0"), "1.3.0", &second);
        assert!(!Arc::ptr_eq(first.challenger.as_ref().unwrap(), third.challenger.as_ref().unwrap()));
    }

    #[test]
    fn a_challenger_with_an_invalid_url_gets_no_copies() {
        let invalid = CHALLENGER.replace("http://fraud-challenger.risk.svc", "http://a b");
        assert!(challenger(&invalid, "1.3.0").is_none());
    }

    #[test]
    fn nothing_is_recorded_unless_the_file_says_so() {
        let off = active(r#"{"main":"1.3.0"}"#, "1.3.0", &ActiveRouting::default());
        assert!(off.challenger.is_none() && off.recording.is_none());
        let text = r#"{"main":"1.3.0","recording":{"samplePercent":50,"redact":["age"]}}"#;
        let recording = active(text, "1.3.0", &ActiveRouting::default()).recording.unwrap();
        assert_eq!((recording.sample_percent, recording.rotate_seconds), (50, 60));
        assert_eq!(recording.retention_seconds, None);
    }
}
