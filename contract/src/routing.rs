//! `routing.json`: how the operator directs running pods. They follow a change without a restart.

use serde::{Deserialize, Serialize};

/// Which version is main, which one is the challenger, and what is recorded. What is absent is off.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Routing {
    /// The version that answers callers of the stable URL; `null` while no version is main.
    pub main: Option<String>,
    /// The version that receives copies of main's calls. The operator writes only a challenger that it accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<ChallengerRoute>,
    /// What is recorded of main's calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingRules>,
    /// When a feature counts as drifted. Servers without a baseline ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftRules>,
}

/// Where copies go, how many calls are copied, and how long a copy may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChallengerRoute {
    /// Semantic version of the challenger.
    pub version: String,
    /// Digest of its artifact, `sha256:<hex>`. Answers of another digest are dropped.
    pub digest: String,
    /// Base URL of the challenger's Service.
    pub url: String,
    /// Percentage of main's calls that are copied, 0 to 100.
    pub sample_percent: u8,
    /// How long a copy may take, waiting included, in milliseconds.
    pub timeout_millis: u64,
}

/// What is recorded. The sink is in the pod's arguments, since it needs credentials and volumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordingRules {
    /// Percentage of main's calls that are recorded, 0 to 100.
    pub sample_percent: u8,
    /// Columns that are never recorded.
    #[serde(default)]
    pub redact: Vec<String>,
    /// Most elements of a column in one record. Larger tensors are recorded by shape and SHA-256. Default: 4,096. The
    /// default is not written, so that an upgrade does not change the routing of a model that serves.
    #[serde(default = "default_max_elements", skip_serializing_if = "is_default_max_elements")]
    pub max_elements: u32,
    /// Seconds after which a file of records is closed and sent to the sink. Default: 60.
    #[serde(default = "one_minute")]
    pub rotate_seconds: u64,
    /// Seconds after which records are deleted from the sink. Without it they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_seconds: Option<u64>,
}

/// The limit of an operator that does not know it yet.
const fn default_max_elements() -> u32 {
    4096
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_default_max_elements(max_elements: &u32) -> bool {
    *max_elements == default_max_elements()
}

const fn one_minute() -> u64 {
    60
}

/// When a feature counts as drifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriftRules {
    /// Length of the sliding window, in seconds.
    pub window_seconds: u64,
    /// Smallest number of values in the window from which a feature is judged.
    pub min_samples: u64,
    /// Population stability index from which a change matters.
    pub psi: f64,
    /// How many false alarms a feature may have in 30 days, on average. The default is not written: a file that changes would
    /// look like another routing to pods that serve.
    #[serde(default = "default_false_alarms", skip_serializing_if = "is_default_false_alarms")]
    pub false_alarms: f64,
}

const fn default_false_alarms() -> f64 {
    0.01
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::float_cmp,
    reason = "serde passes a reference, to the default itself"
)]
fn is_default_false_alarms(false_alarms: &f64) -> bool {
    *false_alarms == default_false_alarms()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Routing {
        Routing {
            main: Some("1.3.0".to_owned()),
            challenger: Some(ChallengerRoute {
                version: "1.4.0".to_owned(),
                digest: "sha256:00".to_owned(),
                url: "http://fraud-challenger.risk.svc".to_owned(),
                sample_percent: 20,
                timeout_millis: 1000,
            }),
            recording: Some(RecordingRules {
                sample_percent: 50,
                redact: vec!["age".to_owned()],
                max_elements: 512,
                rotate_seconds: 30,
                retention_seconds: Some(86_400),
            }),
            drift: Some(DriftRules { window_seconds: 3600, min_samples: 500, psi: 0.1, false_alarms: 0.5 }),
        }
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        for routing in [Routing::default(), full()] {
            let text = serde_json::to_string(&routing).unwrap();
            assert_eq!(serde_json::from_str::<Routing>(&text).unwrap(), routing, "{text}");
        }
    }

    #[test]
    fn what_is_off_is_absent_from_the_file() {
        let routing = Routing { main: Some("1.3.0".to_owned()), ..Routing::default() };
        assert_eq!(serde_json::to_string(&routing).unwrap(), r#"{"main":"1.3.0"}"#);
        assert_eq!(serde_json::to_string(&Routing::default()).unwrap(), r#"{"main":null}"#);
    }

    /// Protects a model whose server is newer than the operator, as in an upgrade.
    #[test]
    fn without_a_limit_in_the_file_a_column_of_a_record_has_at_most_4096_elements() {
        let routing: Routing =
            serde_json::from_str(r#"{"main":"1.3.0","recording":{"samplePercent":100}}"#).unwrap();
        assert_eq!(routing.recording.map(|recording| recording.max_elements), Some(4096));
    }

    /// Protects models that serve: a changed file would look like a change of their routing.
    #[test]
    fn the_default_limit_is_absent_from_the_file() {
        let rules = RecordingRules { max_elements: 4096, ..full().recording.unwrap() };
        let text = serde_json::to_string(&rules).unwrap();
        assert!(!text.contains("maxElements"), "{text}");
    }

    #[test]
    fn a_field_of_a_newer_operator_is_ignored() {
        let routing: Routing =
            serde_json::from_str(r#"{"main":"1.3.0","since":"2026-11-21","canary":{"percent":5}}"#).unwrap();
        assert_eq!(routing.main.as_deref(), Some("1.3.0"));
    }
}
