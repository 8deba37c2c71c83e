//! What the operator says to running pods: who is main, who is the challenger, what is recorded.
//!
//! It is a file of a mounted ConfigMap. The kubelet changes it by swapping a symbolic link two levels up, which makes
//! watches easy to get wrong; reading some hundred bytes of a memory file five times a second is right and costs
//! nothing that can be measured.

use std::{path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use understudy_contract::{
    Routing,
    routing::{DriftRules, RecordingRules},
};

use crate::{metrics::Metrics, mirror::Challenger, role::MainRole};

/// How soon a change is seen.
const EVERY: Duration = Duration::from_millis(200);

/// What the routing file means to this version.
#[derive(Debug, Default)]
pub struct ActiveRouting {
    /// Who gets copies; nobody while this version is not main.
    pub challenger: Option<Arc<Challenger>>,
    /// What is kept of calls.
    pub recording: Option<RecordingRules>,
    /// When a feature counts as drifting.
    pub drift: Option<DriftRules>,
}

/// Reads it. A file that is absent says nothing is on; one that is damaged is no reason to change anything.
fn read(file: &Path) -> Option<Routing> {
    match std::fs::read(file) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(routing) => Some(routing),
            Err(error) => {
                tracing::warn!("failed to read {}: {error}", file.display());
                None
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Routing::default()),
        Err(error) => {
            tracing::warn!("failed to read {}: {error}", file.display());
            None
        }
    }
}

/// Whether `version` is main.
fn is_main(routing: &Routing, version: &str) -> bool {
    routing.main.as_deref() == Some(version)
}

impl ActiveRouting {
    /// What `routing` means to `version` of `deployment`. A challenger that was one `before` stays the same, with its
    /// line.
    fn of(routing: &Routing, deployment: &str, version: &str, before: &Self) -> Self {
        let route =
            routing.challenger.as_ref().filter(|route| is_main(routing, version) && route.version != version);
        let challenger = route.and_then(|route| {
            if let Some(same) = before.challenger.as_ref().filter(|before| before.is_at(route)) {
                return Some(Arc::clone(same));
            }
            match Challenger::new(route, deployment) {
                Ok(challenger) => Some(Arc::new(challenger)),
                Err(error) => {
                    tracing::warn!("the challenger's url `{}` is none: {error}", route.url);
                    None
                }
            }
        });
        Self { challenger, recording: routing.recording.clone(), drift: routing.drift.clone() }
    }
}

/// Follows the routing file for as long as the process lives.
pub async fn follow(
    file: &Path,
    (deployment, version): (&str, &str),
    role: watch::Sender<MainRole>,
    active: &ArcSwap<ActiveRouting>,
    metrics: &Metrics,
) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = Routing::default();
    loop {
        ticks.tick().await;
        let Some(routing) = read(file).filter(|routing| *routing != seen) else { continue };
        let now = ActiveRouting::of(&routing, deployment, version, &active.load());
        let challenger = now.challenger.as_ref().map(|challenger| challenger.identity.version.clone());
        let recording = now.recording.is_some();
        active.store(Arc::new(now));
        tracing::info!(challenger, recording, "the routing changed");
        role.send_if_modified(|role| {
            let next = role.next(is_main(&routing, version));
            let changed = next != *role;
            if changed {
                metrics.set_main(next == MainRole::Main);
                tracing::info!(from = ?role, to = ?next, "the role changed");
            }
            *role = next;
            changed
        });
        seen = routing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing(text: &str) -> Routing {
        serde_json::from_str(text).unwrap()
    }

    const CHALLENGER: &str = r#"{"main":"1.3.0","challenger":{"version":"1.4.0","digest":"sha256:00",
        "url":"http://fraud-challenger.risk.svc","samplePercent":100,"timeoutMillis":1000}}"#;

    #[test]
    fn the_file_names_one_main_or_none_and_a_damaged_one_says_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("routing.json");
        let is_main = || read(&file).map(|routing| super::is_main(&routing, "1.3.0"));
        assert_eq!(is_main(), Some(false), "an absent file: not main");
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
        let challenger = |version: &str| {
            ActiveRouting::of(&routing(CHALLENGER), "fraud", version, &ActiveRouting::default()).challenger
        };
        assert_eq!(challenger("1.3.0").unwrap().identity.version, "1.4.0");
        assert!(challenger("1.2.0").is_none(), "a version that is not main");
        assert!(challenger("1.4.0").is_none(), "the challenger");
        let itself = CHALLENGER.replace("1.3.0", "1.4.0");
        assert!(
            ActiveRouting::of(&routing(&itself), "fraud", "1.4.0", &ActiveRouting::default())
                .challenger
                .is_none()
        );
    }

    #[test]
    fn a_challenger_keeps_its_connections_until_it_is_another_one() {
        let active =
            |text: &str, before: &ActiveRouting| ActiveRouting::of(&routing(text), "fraud", "1.3.0", before);
        let first = active(CHALLENGER, &ActiveRouting::default());
        let recorded = CHALLENGER.replacen('{', r#"{"recording":{"samplePercent":100},"#, 1);
        let second = active(&recorded, &first);
        assert!(Arc::ptr_eq(first.challenger.as_ref().unwrap(), second.challenger.as_ref().unwrap()));
        let third = active(&CHALLENGER.replace("1.4.0", "1.5.0"), &second);
        assert!(!Arc::ptr_eq(first.challenger.as_ref().unwrap(), third.challenger.as_ref().unwrap()));
    }

    #[test]
    fn a_challenger_without_an_address_is_none() {
        let nowhere = CHALLENGER.replace("http://fraud-challenger.risk.svc", "http://a b");
        assert!(
            ActiveRouting::of(&routing(&nowhere), "fraud", "1.3.0", &ActiveRouting::default())
                .challenger
                .is_none()
        );
    }

    #[test]
    fn nothing_is_kept_unless_asked_for() {
        let silent =
            ActiveRouting::of(&routing(r#"{"main":"1.3.0"}"#), "fraud", "1.3.0", &ActiveRouting::default());
        assert!(silent.challenger.is_none() && silent.recording.is_none());
        let asked = routing(r#"{"main":"1.3.0","recording":{"samplePercent":50,"redact":["age"]}}"#);
        let recording =
            ActiveRouting::of(&asked, "fraud", "1.3.0", &ActiveRouting::default()).recording.unwrap();
        assert_eq!((recording.sample_percent, recording.rotate_seconds), (50, 60));
        assert_eq!(recording.retention_seconds, None);
    }
}
