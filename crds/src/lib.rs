//! The API types of Understudy, group `understudy.dev`: what people write into a spec, and what the operator writes
//! into a status.
//!
//! Data, with the little behaviour that belongs to it; no client, no async. One file an idea:
//!
//! - [`ModelDeployment`]: `model_deployment`, with the parts of its spec and status in `approval`, `rollout`, `rollback`,
//!   `challenger`, `recording`, `drift`, `comparison`, `served`, `owned` and `main_record`.
//! - [`ModelVersion`]: `model_version`, with `artifact`, `evidence`, `examples`, `preprocessing`, `runtime`, `stage`, `transition`, `history`,
//!   `acceptance`, `signature` and `failure`.
//! - Both: methods in `accessors`, [`annotations`], [`condition`]s, and the [`names`] of owned objects.
//! - Texts: `rules` says which names a spec may have, [`limits`] how long texts may be, `bounds` cuts a status to them.
//!
//! The doc comments of fields become descriptions of the CRDs: `kubectl explain` and docs/api.md show them.

mod acceptance;
mod accessors;
pub mod annotations;
mod approval;
mod artifact;
mod bounds;
mod challenger;
mod comparison;
pub mod condition;
#[cfg(feature = "conformance")]
pub mod conformance;
mod drift;
mod evaluation;
mod evidence;
mod examples;
mod failure;
mod history;
pub mod limits;
mod main_record;
mod misfit;
mod model_deployment;
mod model_version;
pub mod names;
mod owned;
pub mod possible_values;
mod preprocessing;
mod recording;
mod rollback;
mod rollout;
mod rules;
mod runtime;
mod served;
mod signature;
mod stage;
pub mod text;
mod threads;
mod transition;

pub use acceptance::{Acceptance, Verdict};
pub use approval::{AcceptanceTest, Approval, Gate};
pub use artifact::{Artifact, Baseline, LocalSecretReference};
pub use challenger::{Challenger, ChallengerStatus};
pub use comparison::{
    CLASSES_LIMIT, CONFUSION_LIMIT, ClassComparison, ClassScores, Compared, Comparison, Confusion,
    Difference, Latency, LatencyInterval, Measure, OUTPUTS_LIMIT, OutcomeComparison, OutputComparison, Role,
    RoleComparison,
};
pub use drift::{ColumnRole, DRIFTING_LIMIT, DataIssue, DriftRules, DriftStatus, DriftingFeature, IssueKind};
pub use evaluation::{
    CalibratedRows, CalibrationTenth, Estimate, NumberErrors, TENTHS_LIMIT, ValueAtStake, VersionEstimates,
};
pub use evidence::{Documentation, Evaluation, Metric, Provenance};
pub use examples::{Examples, Tolerance};
pub use failure::Failure;
pub use history::{
    Decision, END_OF_APPROVED, HISTORY_CAPACITY, HISTORY_LIMIT, HistoryEntry, PolicyReference,
};
pub use main_record::{MainReason, MainRecord};
pub use misfit::{breaking_note, misfit};
pub use model_deployment::{ModelDeployment, ModelDeploymentSpec, ModelDeploymentStatus};
pub use model_version::{ModelVersion, ModelVersionSpec, ModelVersionStatus};
pub use owned::OwnedObject;
pub use preprocessing::PreprocessingGraph;
pub use recording::{Recording, Sink};
pub use rollback::{Rollback, RollbackResult, RollbackStatus};
pub use rollout::{Rollout, RolloutRules};
pub use runtime::{Protocol, Runtime, RuntimePorts, RuntimeVariable};
pub use served::{Previous, ServedVersion, Staged};
pub use signature::{ModelSignature, TensorSpec};
pub use stage::Stage;
pub use threads::Threads;
pub use transition::{Grant, Transition};

/// The API group of both kinds.
pub const GROUP: &str = "understudy.dev";
