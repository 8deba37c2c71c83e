//! `history`: which user decided what, when and why, and which version was main in which period. Pure.

use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{Decision, Grant, HistoryEntry, ModelDeployment, ModelVersion, Stage};

use crate::{
    approvals,
    main_record::{self, MainRow, ProductionApproval, approval_in_words, decider, deciders},
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
    [
        when::moment(&entry.decided_at),
        row.version.clone(),
        format!("{} -> {}", entry.from, entry.to),
        entry.decision.as_str().to_owned(),
        deciders(entry),
        requested_by,
        entry.id.clone(),
        short(&entry.digest),
        why(row),
    ]
}

/// What callers had to change, why it ended so, and what the people said: the requester first.
fn why(row: &DecisionRow) -> String {
    let entry = &row.entry;
    let requester = entry.comment.iter().map(|comment| format!("{}: {comment}", entry.requested_by));
    let said = |grant: &Grant| grant.comment.as_ref().map(|comment| format!("{}: {comment}", grant.by));
    let approvers = entry.approvals.iter().filter_map(said);
    breaking(entry.breaking.as_ref())
        .into_iter()
        .chain(entry.reason.clone())
        .chain(early(entry))
        .chain(row.approval.as_ref().map(approval_in_words))
        .chain(requester)
        .chain(approvers)
        .collect::<Vec<_>>()
        .join("; ")
}

fn breaking(change: Option<&String>) -> Option<String> {
    change.map(|change| format!("BREAKING: {change}"))
}

/// Who had approved a request that ended otherwise.
fn early(entry: &HistoryEntry) -> Option<String> {
    let without_effect = entry.decision != Decision::Approved && !entry.approvals.is_empty();
    without_effect.then(|| format!("approved by {}", approvals::names(&entry.approvals)))
}

fn mains(rows: &[MainRow]) -> String {
    if rows.is_empty() {
        return "nothing so far\n".to_owned();
    }
    let headings =
        ["VERSION", "FROM", "TO", "HOW", "REQUESTED-BY", "APPROVED-BY", "APPROVED-AT", "DIGEST", "WHY"];
    table::table(headings, &rows.iter().map(main).collect::<Vec<_>>())
}

/// In a rollback, too, the columns of the request and the approval show the ones on record.
fn main(row: &MainRow) -> [String; 9] {
    let record = &row.record;
    let how = row.rolled_back_by.as_ref().map_or("promoted".to_owned(), |by| format!("rolled back by {by}"));
    let approval = row.approval.as_ref();
    [
        record.version.clone(),
        when::moment(&record.from),
        record.to.as_ref().map_or("now".to_owned(), when::moment),
        how,
        approval.and_then(|a| a.requested_by.clone()).unwrap_or_default(),
        approval.map(ProductionApproval::people).unwrap_or_default(),
        approval.and_then(|a| a.at.as_ref()).map(when::moment).unwrap_or_default(),
        short(&record.digest),
        breaking(record.breaking.as_ref())
            .into_iter()
            .chain(record.comment.as_ref().map(|comment| format!("{}: {comment}", record.requested_by)))
            .collect::<Vec<_>>()
            .join("; "),
    ]
}

/// The first twelve digits distinguish two models; `-o json` has all of them.
fn short(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.chars().take(12).collect()
}
