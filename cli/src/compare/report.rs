//! What `compare` shows, gathered from the deployment. Pure.

use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{
    Challenger, ChallengerStatus, Comparison, DriftStatus, ModelDeployment, ServedVersion,
    condition::{self, CHALLENGER_READY, DATA_DRIFT, DATA_ISSUE, PREDICTION_DRIFT},
};

use super::significance::{self, Figure, Reading, Significance};
use crate::{kubectl::command, name::order, state::State};

/// Everything about a deployment's challenger; the JSON of `compare`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompareReport {
    /// Name of the deployment.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// How far the comparison is.
    pub standing: Standing,
    /// What is main, as in `status.main`.
    pub main: Option<ServedVersion>,
    /// What `spec.challenger` requests.
    #[serde(rename = "asked")]
    pub requested: Option<Challenger>,
    /// What gets copies, as in `status.challenger`.
    pub challenger: Option<ChallengerStatus>,
    /// The condition `ChallengerReady`.
    pub state: Option<State>,
    /// What was measured, as in `status.comparison`.
    pub comparison: Option<Comparison>,
    /// What the intervals allow to conclude.
    pub readings: Vec<Reading>,
    /// What drifts, and values that are not in order, as in `status.drift`.
    pub drift: Option<DriftStatus>,
    /// The conditions `DataDrift`, `PredictionDrift` and `DataIssue`.
    pub drift_states: Vec<State>,
    /// Versions in Staging, oldest first: each of them can be the challenger.
    #[serde(skip)]
    pub candidates: Vec<String>,
    /// The kubectl command that sets the newest of them as challenger.
    #[serde(skip)]
    pub set_challenger: String,
}

/// How far a comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// `spec.challenger` is not set.
    NoChallenger,
    /// It is set, and the version gets no copies: `state` says why.
    NotAccepted,
    /// This main and this challenger have no pair yet.
    NoPairs,
    /// `comparison` is about the present main and challenger.
    Compared,
}

impl CompareReport {
    /// Gathers it. `flags` are the kubectl flags for the same cluster and namespace.
    #[must_use]
    pub fn of(md: &ModelDeployment, flags: &[String]) -> Self {
        let status = md.status.clone().unwrap_or_default();
        let shown = |types: &[&str]| -> Vec<State> {
            types
                .iter()
                .filter_map(|type_| condition::find(&status.conditions, type_))
                .map(State::of)
                .collect()
        };
        let name = md.name_any();
        let requested = md.spec.challenger.clone();
        let served = status.main.as_ref().map(|m| m.version.as_str());
        let mut candidates: Vec<String> =
            status.staging.iter().map(|s| s.version.clone()).filter(|v| Some(v.as_str()) != served).collect();
        candidates.sort_by_cached_key(|version| order(version));
        Self {
            namespace: md.namespace().unwrap_or_default(),
            standing: standing(
                requested.as_ref(),
                status.challenger.as_ref(),
                status.main.as_ref(),
                status.comparison.as_ref(),
            ),
            state: shown(&[CHALLENGER_READY]).pop(),
            readings: status.comparison.as_ref().map(significance::readings).unwrap_or_default(),
            drift_states: shown(&[DATA_DRIFT, PREDICTION_DRIFT, DATA_ISSUE]),
            set_challenger: set_challenger(&name, candidates.last(), flags),
            candidates,
            main: status.main,
            challenger: status.challenger,
            comparison: status.comparison,
            drift: status.drift,
            requested,
            name,
        }
    }

    /// What the interval of this figure allows to conclude; `output` names the output, `None` is for figures of a role.
    #[must_use]
    pub fn significance(&self, figure: Figure, output: Option<&str>) -> Option<Significance> {
        self.readings
            .iter()
            .find(|r| r.figure == figure && r.output.as_deref() == output)
            .map(|r| r.significance)
    }
}

fn standing(
    requested: Option<&Challenger>,
    challenger: Option<&ChallengerStatus>,
    main: Option<&ServedVersion>,
    comparison: Option<&Comparison>,
) -> Standing {
    let Some(requested) = requested else { return Standing::NoChallenger };
    let Some(challenger) = challenger.filter(|c| c.version == requested.version) else {
        return Standing::NotAccepted;
    };
    let present = |c: &&Comparison| {
        c.challenger.digest == challenger.digest && main.is_some_and(|main| main.digest == c.main.digest)
    };
    match comparison.filter(present) {
        Some(comparison) if comparison.pairs > 0 => Standing::Compared,
        _ => Standing::NoPairs,
    }
}

/// The command that sets a challenger: the newest version in Staging, or a placeholder.
fn set_challenger(name: &str, candidate: Option<&String>, flags: &[String]) -> String {
    let version = candidate.map_or("VERSION", String::as_str);
    let patch = format!(r#"{{"spec":{{"challenger":{{"version":"{version}"}}}}}}"#);
    let words = ["kubectl", "patch", "mdep", name, "--type=merge", "-p", &patch].map(str::to_owned);
    command(&[words.to_vec(), flags.to_vec()].concat())
}
