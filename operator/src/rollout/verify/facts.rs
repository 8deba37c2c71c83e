//! What is known before main changes.

use understudy_crds::{ModelDeployment, ModelVersion, Transition};

use crate::rollout::plan::Candidate;

/// Facts about the change that is planned.
#[derive(Debug)]
pub enum Facts<'a> {
    /// No change is planned.
    NoChange,
    /// Main's `ModelVersion` is not in the cache.
    MainDeleted {
        /// Whether the API server still has it.
        exists: bool,
        /// The deployment, read afresh.
        deployment: Option<ModelDeployment>,
    },
    /// Main is to leave Production by its own approved request.
    TakeDown {
        /// The approved request.
        approved: &'a Transition,
        /// Main's `ModelVersion`, read afresh.
        version: Option<ModelVersion>,
        /// The deployment, read afresh.
        deployment: Option<ModelDeployment>,
    },
    /// A version is to become main.
    Promotion(Promotion<'a>),
}

/// Facts about a version that is to become main. Where an earlier one forbids the change already, the later ones are not
/// read: they are `None`.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// The version, and what allows it to become main.
    pub candidate: &'a Candidate,
    /// Pods that main must have.
    pub wanted: i32,
    /// Its Deployment object; `None` while it does not exist.
    pub workload: Option<Workload>,
    /// Its pods that are seen ready.
    pub ready_pods: usize,
    /// What came of a real inference on each of these pods.
    pub probes: Option<Vec<Probe>>,
    /// What was approved, read afresh.
    pub fresh: Option<Fresh>,
}

/// A Deployment object, as its controller reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Workload {
    /// Whether this report is about the newest template and size.
    pub is_current: bool,
    /// All its pods, old and new ones.
    pub pods: i32,
    /// Pods of the newest template.
    pub updated: i32,
    /// Pods that are ready.
    pub ready: i32,
}

/// One real inference.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Address of the pod.
    pub ip: String,
    /// Version and digest that answered, or why none did.
    pub response: Result<(String, String), String>,
}

/// What must still stand when main changes.
#[derive(Debug)]
pub struct Fresh {
    /// The version.
    pub version: Option<ModelVersion>,
    /// The deployment.
    pub deployment: Option<ModelDeployment>,
    /// Why the approval policy is not in force, if it is not.
    pub policy_broken: Option<String>,
}
