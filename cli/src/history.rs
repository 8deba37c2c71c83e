//! `history`: which user decided what, when and why, and which version was main in which period. Pure.

use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{Decision, HistoryEntry, ModelDeployment, ModelVersion, Stage};

use crate::{
    main_record::{self, MainRow, ProductionApproval, approval_in_words, decider},
    table, when,
};

/// The JSON of `history`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryReport {
    /// What was main, newest last; only for a deployment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main: Option<Vec<MainRow>>,
    /// Every decision, newest last.
    pub decisions: Vec<DecisionRow>,
}

/// One decision.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecisionRow {
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Semantic version.
    pub version: String,
    /// The entry of `status.history`.
    #[serde(flatten)]
    pub entry: HistoryEntry,
    /// The user who rolled back; only for the decision `RolledBack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back_by: Option<String>,
    /// The approval that a rollback to this version rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ProductionApproval>,
}

impl HistoryReport {
    /// The decisions about one version.
    #[must_use]
    pub fn of_version(mv: &ModelVersion) -> Self {
        Self { main: None, decisions: decisions(std::slice::from_ref(mv)) }
    }

    /// What was main of a deployment, and the decisions about those of its versions that still exist.
    #[must_use]
    pub fn of_deployment(md: &ModelDeployment, versions: &[ModelVersion]) -> Self {
        Self { main: Some(main_record::rows(md, versions)), decisions: decisions(versions) }
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

fn decisions(versions: &[ModelVersion]) -> Vec<DecisionRow> {
    let row = |mv: &ModelVersion, entry: &HistoryEntry| {
        let rollback = entry.decision == Decision::RolledBack;
        let returns = rollback && entry.to == Stage::Production;
        DecisionRow {
            model_version: mv.name_any(),
            version: mv.spec.version.clone(),
            rolled_back_by: rollback.then(|| decider(entry).to_owned()),
            approval: returns.then(|| ProductionApproval::of(mv, &entry.digest, &entry.decided_at)).flatten(),
            entry: entry.clone(),
        }
    };
    let mut rows: Vec<_> =
        versions.iter().flat_map(|mv| mv.history().iter().map(|entry| row(mv, entry))).collect();
    // Stable: entries of one moment keep the order in which they were recorded.
    rows.sort_by_key(|row| row.entry.decided_at.0);
    rows
}

fn decision(row: &DecisionRow) -> [String; 9] {
    let entry = &row.entry;
    // Nobody requests a stage in a rollback.
    let requested_by = match row.rolled_back_by {
        Some(_) => String::new(),
        None => entry.requested_by.clone(),
    };
    let why = entry.reason.iter().cloned().chain(row.approval.as_ref().map(approval_in_words));
    [
        when::moment(&entry.decided_at),
        row.version.clone(),
        format!("{} -> {}", entry.from, entry.to),
        entry.decision.as_str().to_owned(),
        decider(entry).to_owned(),
        requested_by,
        entry.id.clone(),
        short(&entry.digest),
        why.collect::<Vec<_>>().join("; "),
    ]
}

fn mains(rows: &[MainRow]) -> String {
    if rows.is_empty() {
        return "nothing so far\n".to_owned();
    }
    let headings = ["VERSION", "FROM", "TO", "HOW", "REQUESTED-BY", "APPROVED-BY", "APPROVED-AT", "DIGEST"];
    table::table(headings, &rows.iter().map(main).collect::<Vec<_>>())
}

/// In a rollback, too, the columns of the request and the approval show the ones on record.
fn main(row: &MainRow) -> [String; 8] {
    let record = &row.record;
    let how = row.rolled_back_by.as_ref().map_or("promoted".to_owned(), |by| format!("rolled back by {by}"));
    let approval = row.approval.as_ref();
    [
        record.version.clone(),
        when::moment(&record.from),
        record.to.as_ref().map_or("now".to_owned(), when::moment),
        how,
        approval.and_then(|a| a.requested_by.clone()).unwrap_or_default(),
        approval.map(|a| a.by.clone()).unwrap_or_default(),
        approval.and_then(|a| a.at.as_ref()).map(when::moment).unwrap_or_default(),
        short(&record.digest),
    ]
}

/// The first twelve digits distinguish two models; `-o json` has all of them.
fn short(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.chars().take(12).collect()
}
