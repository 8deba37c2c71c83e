//! `list`: deployments and versions, with their pending requests. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{
    Grant, ModelDeployment, ModelVersion, Stage, Transition,
    condition::{self, READY},
};

use crate::{approvals, name::order, table, when};

/// All deployments and versions; the JSON of `list`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListReport {
    /// Deployments, by namespace and name.
    pub deployments: Vec<DeploymentLine>,
    /// Versions, by namespace, deployment and version.
    pub versions: Vec<VersionLine>,
    #[serde(skip)]
    everywhere: bool,
}

/// A deployment.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentLine {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Version that is main.
    pub main: Option<String>,
    /// Since when it is main.
    pub since: Option<Time>,
    /// Version that gets copies of main's calls.
    pub challenger: Option<String>,
    /// Version that was main before.
    pub previous: Option<String>,
    /// Versions in Staging.
    pub staging: Vec<String>,
    /// Requests that wait for a decision or roll out.
    pub pending: Vec<Pending>,
    /// Status of the condition `Ready`.
    pub ready: Option<String>,
    /// Reason of the condition `Ready`.
    pub reason: Option<String>,
}

/// A request that waits for a decision or rolls out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// Name of the `ModelVersion`.
    pub model_version: String,
    /// Semantic version.
    pub version: String,
    /// The requested stage.
    pub to: Stage,
    /// The transition's id.
    pub id: String,
    /// The user who requested it.
    pub requested_by: String,
    /// The comment of the user who requested it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What callers of main have to change, as in `status.transition.breaking`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaking: Option<String>,
    /// Number of people who must approve it.
    pub approvers: i32,
    /// How many people have approved it, and how many must: `1 of 2`.
    pub approved: String,
    /// The approvals so far, as in `status.transition.approvals`.
    pub approvals: Vec<Grant>,
    /// The user whose approval was the last one needed, if it is approved.
    pub approved_by: Option<String>,
}

impl Pending {
    fn of(mv: &ModelVersion, transition: &Transition) -> Self {
        Self {
            model_version: mv.name_any(),
            version: mv.spec.version.clone(),
            to: transition.to,
            id: transition.id.clone(),
            requested_by: transition.requested_by.clone(),
            comment: transition.comment.clone(),
            breaking: transition.breaking.clone(),
            approvers: transition.approvers,
            approved: approvals::progress(transition),
            approvals: approvals::given(transition).to_vec(),
            approved_by: transition.approval.as_ref().map(|grant| grant.by.clone()),
        }
    }

    /// `BREAKING`, if callers of main have to change something.
    fn warning(&self) -> Option<String> {
        self.breaking.as_ref().map(|_| "BREAKING".to_owned())
    }

    /// `Production, BREAKING`.
    fn stage(&self) -> String {
        std::iter::once(self.to.to_string()).chain(self.warning()).collect::<Vec<_>>().join(", ")
    }

    /// `1 of 2 (bob)`.
    fn progress(&self) -> String {
        let by = approvals::names(&self.approvals);
        if by.is_empty() { self.approved.clone() } else { format!("{} ({by})", self.approved) }
    }

    /// `1.3.0 -> Production (1 of 2, BREAKING)`.
    fn in_words(&self) -> String {
        let notes: Vec<_> = std::iter::once(self.approved.clone()).chain(self.warning()).collect();
        format!("{} -> {} ({})", self.version, self.to, notes.join(", "))
    }
}

/// A version.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionLine {
    /// Namespace.
    pub namespace: String,
    /// Name of the `ModelVersion`.
    pub name: String,
    /// The deployment it belongs to.
    pub deployment: String,
    /// Semantic version.
    pub version: String,
    /// The stage it is in.
    pub stage: Stage,
    /// Its pending request.
    pub pending: Option<Pending>,
    /// Status of the condition `Ready`.
    pub ready: Option<String>,
    /// Reason of the condition `Ready`.
    pub reason: Option<String>,
    /// When the object was created.
    pub created: Option<Time>,
}

impl ListReport {
    /// Sorts both kinds.
    #[must_use]
    pub fn of(deployments: &[ModelDeployment], versions: &[ModelVersion], everywhere: bool) -> Self {
        let mut versions: Vec<VersionLine> = versions.iter().map(version).collect();
        versions.sort_by_cached_key(|v| {
            (v.namespace.clone(), v.deployment.clone(), order(&v.version), v.name.clone())
        });
        let mut deployments: Vec<_> = deployments.iter().map(|md| deployment(md, &versions)).collect();
        deployments.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Self { deployments, versions, everywhere }
    }

    /// As two tables.
    #[must_use]
    pub fn text(&self, now: Timestamp) -> String {
        if self.deployments.is_empty() && self.versions.is_empty() {
            return "no ModelDeployment and no ModelVersion in this namespace (-n for another one, -A for all)\n"
                .to_owned();
        }
        let name = |namespace: &str, name: &str| {
            if self.everywhere { format!("{namespace}/{name}") } else { name.to_owned() }
        };
        let deployments: Vec<_> = self
            .deployments
            .iter()
            .map(|d| {
                [
                    name(&d.namespace, &d.name),
                    d.main.clone().unwrap_or_default(),
                    d.since.as_ref().map(|at| when::age(at, now)).unwrap_or_default(),
                    d.challenger.clone().unwrap_or_default(),
                    d.previous.clone().unwrap_or_default(),
                    d.staging.join(","),
                    d.pending.iter().map(Pending::in_words).collect::<Vec<_>>().join(", "),
                    d.ready.clone().unwrap_or_default(),
                    d.reason.clone().unwrap_or_default(),
                ]
            })
            .collect();
        let versions: Vec<_> = self
            .versions
            .iter()
            .map(|v| {
                let pending = v.pending.as_ref();
                [
                    name(&v.namespace, &v.name),
                    v.deployment.clone(),
                    v.version.clone(),
                    v.stage.to_string(),
                    pending.map(Pending::stage).unwrap_or_default(),
                    pending.map(|p| p.requested_by.clone()).unwrap_or_default(),
                    pending.map(Pending::progress).unwrap_or_default(),
                    v.ready.clone().unwrap_or_default(),
                    v.reason.clone().unwrap_or_default(),
                    v.created.as_ref().map(|at| when::age(at, now)).unwrap_or_default(),
                ]
            })
            .collect();
        let deployments = table::table(
            [
                "MODELDEPLOYMENT",
                "MAIN",
                "SINCE",
                "CHALLENGER",
                "PREVIOUS",
                "STAGING",
                "PENDING",
                "READY",
                "REASON",
            ],
            &deployments,
        );
        let versions = table::table(
            [
                "MODELVERSION",
                "DEPLOYMENT",
                "VERSION",
                "STAGE",
                "PENDING",
                "REQUESTED-BY",
                "APPROVED",
                "READY",
                "REASON",
                "AGE",
            ],
            &versions,
        );
        format!("{deployments}\n{versions}")
    }
}

fn deployment(md: &ModelDeployment, versions: &[VersionLine]) -> DeploymentLine {
    let status = md.status.clone().unwrap_or_default();
    let (namespace, name) = (md.namespace().unwrap_or_default(), md.name_any());
    let own = versions.iter().filter(|v| v.namespace == namespace && v.deployment == name);
    let ready = condition::find(&status.conditions, READY);
    DeploymentLine {
        main: status.main.as_ref().map(|m| m.version.clone()),
        since: status.main.as_ref().map(|m| m.since.clone()),
        challenger: status.challenger.as_ref().map(|c| c.version.clone()),
        previous: status.previous.as_ref().map(|p| p.version.clone()),
        staging: status.staging.iter().map(|s| s.version.clone()).collect(),
        pending: own.filter_map(|v| v.pending.clone()).collect(),
        ready: ready.map(|c| c.status.clone()),
        reason: ready.map(|c| c.reason.clone()),
        namespace,
        name,
    }
}

fn version(mv: &ModelVersion) -> VersionLine {
    let conditions = mv.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let ready = condition::find(conditions, READY);
    VersionLine {
        namespace: mv.namespace().unwrap_or_default(),
        name: mv.name_any(),
        deployment: mv.spec.deployment.clone(),
        version: mv.spec.version.clone(),
        stage: mv.stage(),
        pending: mv.transition().map(|transition| Pending::of(mv, transition)),
        ready: ready.map(|c| c.status.clone()),
        reason: ready.map(|c| c.reason.clone()),
        created: mv.creation_timestamp(),
    }
}
