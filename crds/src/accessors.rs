//! What the operator and the plugin often read from the two kinds. The types themselves are only data.

use crate::{
    artifact::Artifact,
    challenger::ChallengerStatus,
    evidence::Evaluation,
    history::{Decision, END_OF_APPROVED, HistoryEntry},
    main_record::MainRecord,
    model_deployment::ModelDeployment,
    model_version::ModelVersion,
    served::{Previous, ServedVersion},
    stage::Stage,
    transition::Transition,
};

impl ModelDeployment {
    /// The version that is main, if any.
    #[must_use]
    pub fn main(&self) -> Option<&ServedVersion> {
        self.status.as_ref()?.main.as_ref()
    }

    /// Whether this version is main. A name is not enough: a `ModelVersion` that was deleted and created again is another
    /// one.
    #[must_use]
    pub fn is_main(&self, version: &ModelVersion) -> bool {
        self.main().is_some_and(|main| main.is(version))
    }

    /// What is recorded about main, unless this version is main.
    #[must_use]
    pub fn other_main(&self, version: &ModelVersion) -> Option<&ServedVersion> {
        self.main().filter(|main| !main.is(version))
    }

    /// Whether the garbage collector deletes what it owns, before it ends itself (foreground deletion), or takes its objects
    /// away from it (orphan deletion). A deletion that only waits for the finalizers of others ends nothing yet.
    #[must_use]
    pub fn is_collected(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
            && self.metadata.finalizers.iter().flatten().any(|f| f == "foregroundDeletion" || f == "orphan")
    }

    /// The record of the change of main that this transition or rollback made, if it is among those kept.
    #[must_use]
    pub fn change_by(&self, transition: &str) -> Option<&MainRecord> {
        self.status.as_ref()?.history.iter().find(|record| record.transition == transition)
    }
}

impl ServedVersion {
    /// Whether this is the version that is recorded as main.
    #[must_use]
    pub fn is(&self, version: &ModelVersion) -> bool {
        version.is_recorded_as(&self.model_version, self.uid.as_deref(), &self.digest)
    }
}

impl Previous {
    /// Whether this is the version that is recorded as the previous main.
    #[must_use]
    pub fn is(&self, version: &ModelVersion) -> bool {
        version.is_recorded_as(&self.model_version, self.uid.as_deref(), &self.digest)
    }
}

impl ChallengerStatus {
    /// Whether this is the version that is recorded as challenger.
    #[must_use]
    pub fn is(&self, version: &ModelVersion) -> bool {
        version.is_object(&self.model_version, self.uid.as_deref())
            && version.spec.artifact.digest() == self.digest
    }
}

impl ModelVersion {
    /// Whether it has this name and this uid. A record of an older operator has no uid: then the name decides, and the
    /// caller compares the digest.
    fn is_object(&self, name: &str, uid: Option<&str>) -> bool {
        self.metadata.name.as_deref() == Some(name)
            && uid.is_none_or(|uid| self.metadata.uid.as_deref() == Some(uid))
    }

    /// Whether it is the object of this record of a main, past or present: main always has an approval of its bytes for
    /// Production.
    fn is_recorded_as(&self, name: &str, uid: Option<&str>, digest: &str) -> bool {
        self.is_object(name, uid)
            && self.spec.artifact.digest() == digest
            && self.production_approval().is_some()
    }

    /// Whether its stage and request were decided under another deployment of the same name. The status of an older
    /// operator does not say under which.
    #[must_use]
    pub fn is_of_another(&self, deployment: &ModelDeployment) -> bool {
        let decided_under = self.status.as_ref().and_then(|status| status.deployment_uid.as_ref());
        decided_under.zip(deployment.metadata.uid.as_ref()).is_some_and(|(then, now)| then != now)
    }

    /// The stage that the version is in, from the status.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.status.as_ref().map_or(Stage::None, |s| s.stage)
    }

    /// The transition that waits for an approval or rolls out.
    #[must_use]
    pub fn transition(&self) -> Option<&Transition> {
        self.status.as_ref()?.transition.as_ref()
    }

    /// The history so far, oldest first.
    #[must_use]
    pub fn history(&self) -> &[HistoryEntry] {
        self.status.as_ref().map_or(&[], |s| &s.history)
    }

    /// The newest approval of the present artifact's digest for Staging.
    #[must_use]
    pub fn staging_approval(&self) -> Option<&HistoryEntry> {
        self.approval_into(Stage::Staging)
    }

    /// The newest approval of the present artifact's digest for Production.
    #[must_use]
    pub fn production_approval(&self) -> Option<&HistoryEntry> {
        self.approval_into(Stage::Production)
    }

    /// Whether the version is or was in Production. An approval for Production does not show that: it is recorded before
    /// the roll-out.
    #[must_use]
    pub fn was_in_production(&self) -> bool {
        let digest = self.spec.artifact.digest();
        let left = |h: &HistoryEntry| h.from == Stage::Production;
        let returned = |h: &HistoryEntry| h.to == Stage::Production && h.decision == Decision::RolledBack;
        self.stage() == Stage::Production
            || self.history().iter().any(|h| h.digest == digest && (left(h) || returned(h)))
    }

    fn approval_into(&self, stage: Stage) -> Option<&HistoryEntry> {
        let digest = self.spec.artifact.digest();
        self.history()
            .iter()
            .rev()
            .find(|h| h.to == stage && h.decision == Decision::Approved && h.digest == digest)
    }

    /// Whether a change of stage is requested that no decision has ended yet.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        let settled = self.status.as_ref().and_then(|s| s.settled_generation);
        self.spec.stage != self.stage() && self.metadata.generation != settled
    }
}

impl HistoryEntry {
    /// Whether this entry is about the transition with this id.
    #[must_use]
    pub fn is_of(&self, transition: &str) -> bool {
        self.id.strip_suffix(END_OF_APPROVED).unwrap_or(&self.id) == transition
    }
}

impl Artifact {
    /// The digest with its algorithm, as in transitions and records: `sha256:<hex>`.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.sha256)
    }
}

impl Evaluation {
    /// The value of the metric with this name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|m| m.name == name).map(|m| m.value)
    }
}
