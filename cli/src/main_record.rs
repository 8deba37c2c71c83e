//! How a version became main: by a request that a second person approved, or by a rollback to a version that has such an
//! approval on record. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{
    Decision, Grant, HistoryEntry, MainReason, MainRecord, ModelDeployment, ModelVersion, Stage,
};

use crate::{approvals, when};

/// An entry of the deployment's `status.history`, with the approval that it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MainRow {
    /// The entry.
    #[serde(flatten)]
    pub record: MainRecord,
    /// The user who rolled back; absent for a promotion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back_by: Option<String>,
    /// The approval of this version for Production; absent if no record of it exists any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ProductionApproval>,
}

/// The approval by which a version may be in Production.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductionApproval {
    /// The user who requested Production.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The user who approved it: the last of those who did.
    pub by: String,
    /// Everybody who approved it, when and why, as in the entry of the version's `status.history`; absent if only `by` is
    /// on record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Grant>,
    /// The time of the approval; absent if the version was deleted and the record is that of an older operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// Id of the transition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl ProductionApproval {
    /// The newest approval for Production of these bytes in the version's own history, not later than `until`.
    #[must_use]
    pub fn of(version: &ModelVersion, digest: &str, until: &Time) -> Option<Self> {
        let approved = |h: &&HistoryEntry| {
            h.to == Stage::Production
                && h.decision == Decision::Approved
                && h.digest == digest
                && h.decided_at.0 <= until.0
        };
        version.history().iter().rev().find(approved).map(|h| Self {
            requested_by: Some(h.requested_by.clone()),
            by: h.decided_by.clone(),
            approvals: h.approvals.clone(),
            at: Some(h.decided_at.clone()),
            id: Some(h.id.clone()),
        })
    }

    /// What the deployment's record says of the approval, for a version that was deleted since.
    fn recorded(record: &MainRecord, before: &[MainRecord]) -> Option<Self> {
        let same = |r: &&MainRecord| {
            r.reason == MainReason::Promoted
                && r.model_version == record.model_version
                && (r.uid.is_none() || record.uid.is_none() || r.uid == record.uid)
                && r.digest == record.digest
        };
        if let Some(promoted) = std::iter::once(record).chain(before.iter().rev()).find(same) {
            return Some(Self {
                requested_by: Some(promoted.requested_by.clone()),
                by: promoted.approved_by.clone(),
                approvals: vec![],
                at: promoted.approved_at.clone(),
                id: Some(promoted.transition.clone()),
            });
        }
        // Without a time, the record may be that of an older operator, which names the user who rolled back as approver.
        let approver = Some(&record.approved_by)
            .filter(|by| record.approved_at.is_some() || **by != record.requested_by)?;
        Some(Self {
            requested_by: None,
            by: approver.clone(),
            approvals: vec![],
            at: record.approved_at.clone(),
            id: None,
        })
    }

    /// Everybody who approved: `bob, carol`.
    #[must_use]
    pub fn people(&self) -> String {
        if self.approvals.is_empty() { self.by.clone() } else { approvals::names(&self.approvals) }
    }
}

/// A row for each entry of the deployment's `status.history`, oldest first. `versions` are those that still exist.
#[must_use]
pub fn rows(md: &ModelDeployment, versions: &[ModelVersion]) -> Vec<MainRow> {
    let records = md.status.as_ref().map(|s| s.history.as_slice()).unwrap_or_default();
    let row = |(index, record): (usize, &MainRecord)| {
        // An object that was deleted and created again is another version.
        let recorded = |mv: &&ModelVersion| {
            mv.name_any() == record.model_version && (record.uid.is_none() || record.uid == mv.metadata.uid)
        };
        let version = versions.iter().find(recorded);
        let own = version.and_then(|mv| ProductionApproval::of(mv, &record.digest, &record.from));
        MainRow {
            rolled_back_by: (record.reason == MainReason::RolledBack).then(|| record.requested_by.clone()),
            approval: own.or_else(|| ProductionApproval::recorded(record, &records[..index])),
            record: record.clone(),
        }
    };
    records.iter().enumerate().map(row).collect()
}

/// Everybody who decided: `bob, carol`. For an approval, those are all who approved.
#[must_use]
pub fn deciders(entry: &HistoryEntry) -> String {
    match entry.decision {
        Decision::Approved if !entry.approvals.is_empty() => approvals::names(&entry.approvals),
        _ => decider(entry).to_owned(),
    }
}

/// The user who decided. In a rollback that is the user who rolled back: nobody approves a rollback, because an approval
/// is on record.
#[must_use]
pub fn decider(entry: &HistoryEntry) -> &str {
    match entry.decision {
        Decision::RolledBack => &entry.requested_by,
        _ => &entry.decided_by,
    }
}

/// `carol approved it for Production at 2026-11-01 09:00:00Z`.
#[must_use]
pub fn approval_in_words(approval: &ProductionApproval) -> String {
    let at = approval.at.as_ref().map(|at| format!(" at {}", when::moment(at)));
    format!("{} approved it for Production{}", approval.people(), at.unwrap_or_default())
}
