//! The API of Understudy, group `understudy.dev`: what people write, what the operator answers.
//!
//! Data and the little behaviour that belongs to it; no client, no async. Everything else in the workspace,
//! but for the inference server, speaks in these types.

pub mod annotations;
mod challenger;
mod comparison;
pub mod condition;
mod drift;
mod model_deployment;
mod model_version;
pub mod names;
mod recording;
mod stage;
mod transition;

pub use challenger::{Challenger, ChallengerStatus};
pub use comparison::{
    Compared, Comparison, Estimate, Latency, Measure, OUTPUTS_LIMIT, OutcomeComparison, OutputComparison,
    Role, RoleComparison,
};
pub use drift::{ColumnRole, DRIFTING_LIMIT, DriftRules, DriftStatistic, DriftStatus, DriftingFeature};
pub use model_deployment::{
    AcceptanceTest, Approval, Gate, MainReason, MainRecord, ModelDeployment, ModelDeploymentSpec,
    ModelDeploymentStatus, Previous, Rollback, RollbackResult, RollbackStatus, Rollout, ServedVersion,
    Staged,
};
pub use model_version::{
    Acceptance, Artifact, Baseline, Documentation, Evaluation, Failure, LocalSecretReference, Metric,
    ModelSignature, ModelVersion, ModelVersionSpec, ModelVersionStatus, Provenance, TensorSpec, Verdict,
};
pub use recording::{Recording, Sink};
pub use stage::Stage;
pub use transition::{Decision, Grant, HISTORY_LIMIT, HistoryEntry, PolicyReference, Transition};

/// The API group.
pub const GROUP: &str = "understudy.dev";
