//! `compare`: how the challenger does beside main on the same calls, and what drifts. Pure.

mod number;
mod reading;
mod text;

use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{
    Challenger, ChallengerStatus, Comparison, DriftStatus, ModelDeployment, ServedVersion,
    condition::{self, CHALLENGER_READY, DATA_DRIFT, PREDICTION_DRIFT},
};

pub use reading::{Reading, Subject, Verdict};

use crate::{list::order, review::State, write::command};

/// All that can be said of a deployment's challenger; the JSON of `compare`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compare {
    /// Name of the deployment.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// How far it has come.
    pub standing: Standing,
    /// What is main, as in `status.main`.
    pub main: Option<ServedVersion>,
    /// What `spec.challenger` asks for.
    pub asked: Option<Challenger>,
    /// What gets copies, as in `status.challenger`.
    pub challenger: Option<ChallengerStatus>,
    /// The condition `ChallengerReady`.
    pub state: Option<State>,
    /// What was measured, as in `status.comparison`.
    pub comparison: Option<Comparison>,
    /// What the intervals allow to say.
    pub readings: Vec<Reading>,
    /// What drifts, as in `status.drift`.
    pub drift: Option<DriftStatus>,
    /// The conditions `DataDrift` and `PredictionDrift`.
    pub drift_states: Vec<State>,
    #[serde(skip)]
    candidates: Vec<String>,
    #[serde(skip)]
    set_challenger: String,
}

/// How far a comparison has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// None is asked for.
    NoChallenger,
    /// One is asked for, and gets no copies: `state` says why.
    NotAccepted,
    /// No call of this pair was answered by both so far.
    NoPairs,
    /// `comparison` is about what is main and challenger now.
    Compared,
}

impl Compare {
    /// Gathers it. `flags` are those that reach the same cluster and namespace.
    #[must_use]
    pub fn of(md: &ModelDeployment, flags: &[String]) -> Self {
        let status = md.status.clone().unwrap_or_default();
        let told = |types: &[&str]| -> Vec<State> {
            types
                .iter()
                .filter_map(|type_| condition::find(&status.conditions, type_))
                .map(State::of)
                .collect()
        };
        let name = md.name_any();
        let asked = md.spec.challenger.clone();
        let served = status.main.as_ref().map(|m| m.version.as_str());
        let mut candidates: Vec<String> =
            status.staging.iter().map(|s| s.version.clone()).filter(|v| Some(v.as_str()) != served).collect();
        candidates.sort_by_cached_key(|version| order(version));
        Self {
            namespace: md.namespace().unwrap_or_default(),
            standing: standing(
                asked.as_ref(),
                status.challenger.as_ref(),
                status.main.as_ref(),
                status.comparison.as_ref(),
            ),
            state: told(&[CHALLENGER_READY]).pop(),
            readings: status.comparison.as_ref().map(reading::readings).unwrap_or_default(),
            drift_states: told(&[DATA_DRIFT, PREDICTION_DRIFT]),
            set_challenger: set_challenger(&name, candidates.last(), flags),
            candidates,
            main: status.main,
            challenger: status.challenger,
            comparison: status.comparison,
            drift: status.drift,
            asked,
            name,
        }
    }

    /// As text, for a terminal.
    #[must_use]
    pub fn text(&self, now: Timestamp) -> String {
        text::full(self, now)
    }

    fn verdict(&self, subject: Subject, output: Option<&str>) -> Option<Verdict> {
        self.readings
            .iter()
            .find(|r| r.subject == subject && r.output.as_deref() == output)
            .map(|r| r.verdict)
    }
}

/// How often both gave the same answer, output by output, in one line; none where nothing was compared.
#[must_use]
pub fn agreement(comparison: &Comparison) -> Option<String> {
    let shares = comparison.outputs.iter().filter_map(|output| {
        let share = output.agreement?;
        Some(format!(
            "{} agrees {}",
            output.name,
            number::percent_between(share.value, share.low, share.high)
        ))
    });
    let shares: Vec<String> = shares.collect();
    (!shares.is_empty()).then(|| shares.join(", "))
}

fn standing(
    asked: Option<&Challenger>,
    challenger: Option<&ChallengerStatus>,
    main: Option<&ServedVersion>,
    comparison: Option<&Comparison>,
) -> Standing {
    let Some(asked) = asked else { return Standing::NoChallenger };
    let Some(challenger) = challenger.filter(|c| c.version == asked.version) else {
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

/// How to name one; the newest version in Staging where there is one.
fn set_challenger(name: &str, candidate: Option<&String>, flags: &[String]) -> String {
    let version = candidate.map_or("VERSION", String::as_str);
    let patch = format!(r#"{{"spec":{{"challenger":{{"version":"{version}"}}}}}}"#);
    let words = ["kubectl", "patch", "mdep", name, "--type=merge", "-p", &patch].map(str::to_owned);
    command(&[words.to_vec(), flags.to_vec()].concat())
}
