//! `history`: who decided what, when and why; and what was main, from when to when. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{HistoryEntry, MainReason, MainRecord, ModelDeployment, ModelVersion};

use crate::{table, when};

/// The record; the JSON of `history`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryReport {
    /// What was main, newest last; only for a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main: Option<Vec<MainRecord>>,
    /// Every decision, newest last.
    pub decisions: Vec<DecisionLine>,
}

/// One decision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionLine {
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Semantic version.
    pub version: String,
    /// The entry of `status.history`.
    #[serde(flatten)]
    pub entry: HistoryEntry,
}

impl HistoryReport {
    /// The record of one version.
    #[must_use]
    pub fn of_version(mv: &ModelVersion) -> Self {
        Self { main: None, decisions: decisions(std::slice::from_ref(mv)) }
    }

    /// The record of a deployment, with the decisions about those versions that still exist.
    #[must_use]
    pub fn of_deployment(md: &ModelDeployment, versions: &[ModelVersion]) -> Self {
        let main = md.status.as_ref().map(|s| s.history.clone()).unwrap_or_default();
        Self { main: Some(main), decisions: decisions(versions) }
    }

    /// As tables.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(main) = &self.main {
            text.push_str("What was main\n");
            text.push_str(&mains(main));
            text.push_str("\nWhat was decided\n");
        }
        if self.decisions.is_empty() {
            text.push_str("nothing so far\n");
            return text;
        }
        let rows: Vec<_> = self.decisions.iter().map(decision).collect();
        let headings = ["WHEN", "VERSION", "STEP", "DECISION", "BY", "REQUESTED-BY", "ID", "DIGEST", "WHY"];
        text.push_str(&table::table(headings, &rows));
        text
    }
}

fn decisions(versions: &[ModelVersion]) -> Vec<DecisionLine> {
    let mut lines: Vec<_> = versions
        .iter()
        .flat_map(|mv| {
            mv.history().iter().map(|entry| DecisionLine {
                model_version: mv.name_any(),
                version: mv.spec.version.clone(),
                entry: entry.clone(),
            })
        })
        .collect();
    // Stable: entries of one moment keep the order in which they were recorded.
    lines.sort_by_key(|line| line.entry.decided_at.0);
    lines
}

fn decision(line: &DecisionLine) -> [String; 9] {
    let entry = &line.entry;
    [
        when::moment(&entry.decided_at),
        line.version.clone(),
        format!("{} -> {}", entry.from, entry.to),
        entry.decision.as_str().to_owned(),
        entry.decided_by.clone(),
        entry.requested_by.clone(),
        entry.id.clone(),
        short(&entry.digest),
        entry.reason.clone().unwrap_or_default(),
    ]
}

fn mains(records: &[MainRecord]) -> String {
    if records.is_empty() {
        return "nothing so far\n".to_owned();
    }
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            let to = |at: &Option<Time>| at.as_ref().map_or("now".to_owned(), when::moment);
            let reason = match record.reason {
                MainReason::Promoted => "promoted",
                MainReason::RolledBack => "rolled back",
            };
            [
                record.version.clone(),
                when::moment(&record.from),
                to(&record.to),
                reason.to_owned(),
                record.requested_by.clone(),
                record.approved_by.clone(),
                short(&record.digest),
            ]
        })
        .collect();
    table::table(["VERSION", "FROM", "TO", "HOW", "REQUESTED-BY", "APPROVED-BY", "DIGEST"], &rows)
}

/// Twelve digits tell two models apart; `-o json` has all of them.
fn short(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.chars().take(12).collect()
}
