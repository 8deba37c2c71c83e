//! The routing that running pods follow: main, challenger, recording and drift.

use std::time::Duration;

use kube::ResourceExt;
use understudy_contract::{
    Routing,
    routing::{ChallengerRoute, DriftRules, RecordingRules},
};
use understudy_crds::{ModelDeployment, ModelVersion, names};

/// The routing while the version number `answering`, whose object is `main`, is main. `challenger` must have been
/// accepted. Drift rules are included if the spec has them or main has a baseline.
pub fn routing(
    md: &ModelDeployment,
    answering: Option<&str>,
    main: Option<&ModelVersion>,
    challenger: Option<&ModelVersion>,
) -> Routing {
    let has_baseline = main.is_some_and(|main| main.spec.baseline.is_some());
    let drift = md.spec.drift.clone().or_else(|| has_baseline.then(Default::default));
    Routing {
        main: answering.map(str::to_owned),
        challenger: challenger.and_then(|version| route(md, version)),
        recording: md.spec.recording.as_ref().map(|recording| RecordingRules {
            sample_percent: percent(recording.sample_percent),
            redact: recording.redact.clone(),
            max_elements: u32::try_from(recording.max_elements).unwrap_or(1).max(1),
            rotate_seconds: Duration::from(recording.rotate_after).as_secs().max(1),
            retention_seconds: recording.retention.map(|keep| Duration::from(keep).as_secs()),
        }),
        drift: drift.map(|drift| DriftRules {
            window_seconds: Duration::from(drift.window).as_secs(),
            min_samples: u64::try_from(drift.min_samples).unwrap_or_default(),
            psi: drift.psi,
            false_alarms: drift.false_alarms,
        }),
    }
}

fn route(md: &ModelDeployment, version: &ModelVersion) -> Option<ChallengerRoute> {
    let wanted = md.spec.challenger.as_ref()?;
    let millis = Duration::from(wanted.timeout).as_millis();
    Some(ChallengerRoute {
        version: version.spec.version.clone(),
        digest: version.spec.artifact.digest(),
        url: names::url(&names::challenger(&md.name_any()), &md.namespace().unwrap_or_default()),
        sample_percent: percent(wanted.sample_percent),
        timeout_millis: u64::try_from(millis).unwrap_or(u64::MAX).max(1),
    })
}

/// The schema of the CRD allows 0 to 100 only.
fn percent(of_spec: i32) -> u8 {
    u8::try_from(of_spec.clamp(0, 100)).expect("0 to 100 fits into 8 bits")
}
