//! The facts that a change of main is judged by.

use understudy_contract::probe::Proof;
use understudy_crds::{ModelDeployment, ModelVersion, Transition};

use crate::rollout::plan::Candidate;

/// Facts about the planned change.
#[derive(Debug)]
pub enum Facts<'a> {
    /// No change is planned.
    NoChange,
    /// The `ModelVersion` of main is not in the cache.
    MainDeleted {
        /// Whether the API server still has it.
        exists: bool,
        /// The deployment, read from the API server.
        deployment: Option<ModelDeployment>,
    },
    /// Main leaves Production by its own approved request.
    TakeDown {
        /// The approved request.
        approved: &'a Transition,
        /// The `ModelVersion` of main, read from the API server.
        version: Option<ModelVersion>,
        /// The deployment, read from the API server.
        deployment: Option<ModelDeployment>,
    },
    /// A version becomes main.
    Promotion(Promotion<'a>),
}

/// Facts about a version that becomes main. They are read in this order. Once a fact forbids the change, the later ones
/// are `None`.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// The version, and what allows it to become main.
    pub candidate: &'a Candidate,
    /// Whether callers reach it already, by this very transition. Then an earlier pass had found everything below, and
    /// ended before it recorded main.
    pub switched: bool,
    /// Name of a version that cannot be parsed. It may be in Production.
    pub unreadable: Option<String>,
    /// Why callers of the present main would fail, if this version does not fit them and has no new major version number.
    pub breaking: Option<String>,
    /// Why the image of its `spec.runtime` may not run, if it may not.
    pub image_refusal: Option<String>,
    /// Pods that main must have.
    pub wanted: i32,
    /// Pods that its Deployment object reports as ready, of whatever template; `None` while it does not exist.
    pub reported_ready: Option<i32>,
    /// Number of its ready pods in the cache that have an address.
    pub ready_pods: usize,
    /// The result of a real inference on each of these pods.
    pub probes: Option<Vec<Probe>>,
    /// Version, deployment and approval policy, read from the API server.
    pub fresh: Option<Fresh>,
}

/// One real inference.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Address of the pod.
    pub ip: String,
    /// Version that answered and its [`bytes`], or the error.
    pub response: Result<(String, String), String>,
    /// What is known there about whether the model answers. Meaningless after an error.
    pub proof: Proof,
}

/// What answers: the digest of the model, and the image that runs it, if that is not the built-in engine.
pub fn bytes(digest: &str, image: Option<&str>) -> String {
    image.map_or_else(|| digest.to_owned(), |image| format!("{digest} in {image}"))
}

/// What must not have changed since the plan.
#[derive(Debug)]
pub struct Fresh {
    /// The version.
    pub version: Option<ModelVersion>,
    /// The deployment.
    pub deployment: Option<ModelDeployment>,
    /// Why the approval policy is not in force, if it is not.
    pub policy_broken: Option<String>,
}
