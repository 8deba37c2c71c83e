//! The ConfigMap that tells running pods who is main, who is challenger and what to keep, without a restart.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use understudy_crds::{ModelDeployment, ModelVersion, names};

use super::metadata;

/// `routing.json`. What is not there is not wanted: no challenger, no copies; no recording, no records.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Routing {
    /// The version that answers; `null` while none is main.
    main: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenger: Option<ChallengerRoute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recording: Option<RecordingRules>,
    /// There where it is asked for, and where main has a baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<DriftRules>,
}

/// Where copies go, how many, and for how long they may take.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChallengerRoute {
    version: String,
    /// A copy that other bytes have answered does not count.
    digest: String,
    url: String,
    sample_percent: i32,
    timeout_millis: u64,
}

/// What is kept of the calls. The sink is in the pod's arguments: a change of it is one of credentials and volumes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordingRules {
    sample_percent: i32,
    redact: Vec<String>,
    rotate_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_seconds: Option<u64>,
}

/// When a feature drifts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct DriftRules {
    window_seconds: u64,
    min_samples: i64,
    psi: f64,
}

impl Routing {
    /// What pods are told while the version number `answering`, whose object is `main`, is main. `challenger` must be
    /// one that was accepted.
    pub fn new(
        md: &ModelDeployment,
        answering: Option<&str>,
        main: Option<&ModelVersion>,
        challenger: Option<&ModelVersion>,
    ) -> Self {
        let has_baseline = main.is_some_and(|main| main.spec.baseline.is_some());
        let drift = md.spec.drift.clone().or_else(|| has_baseline.then(Default::default));
        Self {
            main: answering.map(str::to_owned),
            challenger: challenger.and_then(|version| route(md, version)),
            recording: md.spec.recording.as_ref().map(|recording| RecordingRules {
                sample_percent: recording.sample_percent,
                redact: recording.redact.clone(),
                rotate_seconds: Duration::from(recording.rotate_after).as_secs().max(1),
                retention_seconds: recording.retention.map(|keep| Duration::from(keep).as_secs()),
            }),
            drift: drift.map(|drift| DriftRules {
                window_seconds: Duration::from(drift.window).as_secs(),
                min_samples: drift.min_samples,
                psi: drift.psi,
            }),
        }
    }

    /// The file.
    pub fn content(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can be written as JSON")
    }

    /// A short mark of the content: another content has another one.
    pub fn mark(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.content()).into();
        let head = digest.first_chunk().expect("32 bytes have a first eight");
        format!("{:016x}", u64::from_be_bytes(*head))[..12].to_owned()
    }
}

fn route(md: &ModelDeployment, version: &ModelVersion) -> Option<ChallengerRoute> {
    let wanted = md.spec.challenger.as_ref()?;
    let millis = Duration::from(wanted.timeout).as_millis();
    Some(ChallengerRoute {
        version: version.spec.version.clone(),
        digest: version.spec.artifact.digest(),
        url: names::url(&names::challenger(&md.name_any()), &md.namespace().unwrap_or_default()),
        sample_percent: wanted.sample_percent,
        timeout_millis: u64::try_from(millis).unwrap_or(u64::MAX).max(1),
    })
}

/// The ConfigMap with `routing.json`.
pub fn config_map(md: &ModelDeployment, routing: &Routing) -> ConfigMap {
    let name = md.name_any();
    ConfigMap {
        metadata: metadata(md, names::routing(&name), names::deployment_labels(&name)),
        data: Some([("routing.json".to_owned(), routing.content())].into()),
        ..ConfigMap::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(spec: &serde_json::Value) -> ModelDeployment {
        let object = json!({
            "apiVersion": "understudy.dev/v1alpha1", "kind": "ModelDeployment",
            "metadata": {"name": "fraud", "namespace": "risk"}, "spec": spec,
        });
        serde_json::from_value(object).expect("a ModelDeployment")
    }

    fn told(spec: &serde_json::Value, main: Option<&str>) -> Routing {
        Routing::new(&deployment(spec), main, None, None)
    }

    #[test]
    fn a_deployment_that_asks_for_nothing_tells_its_pods_who_is_main_and_nothing_else() {
        assert_eq!(told(&json!({}), Some("1.2.0")).content(), r#"{"main":"1.2.0"}"#);
        assert_eq!(told(&json!({}), None).content(), r#"{"main":null}"#);
    }

    #[test]
    fn a_named_challenger_that_was_not_accepted_is_not_spoken_of() {
        let spec = json!({"challenger": {"version": "1.3.0"}});
        assert_eq!(told(&spec, Some("1.2.0")).content(), r#"{"main":"1.2.0"}"#);
    }

    #[test]
    fn whatever_changes_in_the_file_changes_its_mark_so_that_pods_are_woken() {
        let specs = [
            json!({}),
            json!({"recording": {}}),
            json!({"recording": {"samplePercent": 50}}),
            json!({"recording": {"redact": ["age"]}}),
            json!({"recording": {"retention": "720h"}}),
            json!({"drift": {}}),
            json!({"drift": {"psi": 0.3}}),
        ];
        let marks: std::collections::BTreeSet<_> =
            specs.iter().map(|spec| told(spec, Some("1.2.0")).mark()).collect();
        assert_eq!(marks.len(), specs.len(), "{marks:?}");
        assert!(marks.iter().all(|mark| mark.len() == 12), "{marks:?}");
        assert_ne!(told(&json!({}), Some("1.2.0")).mark(), told(&json!({}), Some("1.3.0")).mark());
    }

    #[test]
    fn times_shorter_than_the_servers_unit_are_not_rounded_to_nothing() {
        let spec =
            json!({"recording": {"rotateAfter": "1s"}, "challenger": {"version": "1.3.0", "timeout": "1ms"}});
        assert!(told(&spec, None).content().contains(r#""rotateSeconds":1"#));
    }
}
