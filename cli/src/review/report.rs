//! What `review` shows, gathered from the version, its deployment and the present main. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde::Serialize;
use understudy_crds::{
    Acceptance, AcceptanceTest, Comparison, Documentation, Failure, ModelDeployment, ModelVersion,
    PreprocessingGraph, Provenance, Rollback, Runtime, ServedVersion, Stage, Tolerance, Transition,
    annotations::{APPROVE, APPROVED_BY, REASON, REJECT, REJECTED_BY},
    condition::{self, APPROVABLE, PROVEN, READY},
};

use super::{
    breaking::Breaking,
    brings::Brings,
    metrics::{self, MetricRow},
    signature::{self, SignatureDifference},
};
use crate::{
    main_record::{self, MainRow},
    state::State,
    when,
    write::{Target, Write},
};

/// The placeholder for the user name of the person who runs a command.
pub const YOUR_NAME: &str = "YOUR-NAME";

/// The objects that a review is made of.
#[derive(Clone, Debug)]
pub struct ReviewedObjects {
    /// The version under review.
    pub version: ModelVersion,
    /// Its deployment, if it exists.
    pub deployment: Option<ModelDeployment>,
    /// The version that is main now, unless it is the one under review.
    pub main: Option<ModelVersion>,
}

/// Everything that a reviewer needs; the JSON of `review`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewReport {
    /// Name of the `ModelVersion`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The deployment that it belongs to.
    pub deployment: String,
    /// Semantic version.
    pub version: String,
    /// The stage it is in.
    pub stage: Stage,
    /// The request that waits for a decision or rolls out, as in `status.transition`.
    pub transition: Option<Transition>,
    /// `Approvable` while a request is open, else `Ready`.
    pub state: Option<State>,
    /// Why its pods last failed.
    pub last_failure: Option<Failure>,
    /// The location of the model file.
    pub uri: String,
    /// The digest of the file, `sha256:<hex>`.
    pub digest: String,
    /// The location of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline_uri: Option<String>,
    /// The location of the examples, and how far answers may differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<ReviewedExamples>,
    /// The graphs that run before the model, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preprocessing: Vec<ReviewedGraph>,
    /// The image that runs the model instead of the built-in engine, as in the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    /// The image that runs main, if there is a main and it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub main_runtime_image: Option<String>,
    /// Whether the model is known to answer, for a version with examples or whose warm-up failed: `Proven`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven: Option<State>,
    /// The Secrets and claims that its pods get, and the hosts that they load files from.
    pub brings: Brings,
    /// The size of the file; known after a pod has loaded it.
    pub bytes: Option<i64>,
    /// The model card.
    pub documentation: Option<Documentation>,
    /// The dataset of the evaluation.
    pub dataset: Option<String>,
    /// Every metric, next to that of main.
    pub metrics: Vec<MetricRow>,
    /// Whether Production requires the verdict of a tester.
    pub acceptance_required: bool,
    /// The verdict of the tester.
    pub acceptance: Option<Acceptance>,
    /// The origin of the model.
    pub provenance: Option<Provenance>,
    /// What is main now, unless it is this version.
    pub main: Option<ServedVersion>,
    /// How the present main became main, as in `history`.
    pub main_record: Option<MainRow>,
    /// Its comparison with the present main, as in the deployment's `status.comparison`.
    pub live: Option<Comparison>,
    /// What an approval changes for main and its callers, in words.
    pub effect: Option<String>,
    /// What callers of main have to change if this version replaces it; absent if every call fits both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaking: Option<Breaking>,
    /// The differences from main's signature.
    pub signature: SignatureDifference,
    /// The commands that decide, while a request waits.
    pub commands: Option<Commands>,
}

/// A graph before the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewedGraph {
    /// Where the file is.
    pub uri: String,
    /// `sha256:<hex>`.
    pub digest: String,
}

impl ReviewedGraph {
    fn of(graph: &PreprocessingGraph) -> Self {
        Self { uri: graph.uri.clone(), digest: format!("sha256:{}", graph.sha256) }
    }
}

/// The examples of a version.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewedExamples {
    /// Where the file is.
    pub uri: String,
    /// How far a number may be from the expected one.
    pub tolerance: Tolerance,
}

/// The commands that decide, with this plugin and with plain kubectl.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Commands {
    /// Approves.
    pub approve: String,
    /// Rejects.
    pub reject: String,
    /// Approves with plain kubectl.
    pub kubectl_approve: String,
    /// Rejects with plain kubectl.
    pub kubectl_reject: String,
    /// Whether the plain commands omit the name because this API server can add it.
    pub name_stamped: bool,
}

impl ReviewReport {
    /// Gathers it, without the commands.
    #[must_use]
    pub fn of(objects: &ReviewedObjects) -> Self {
        let mv = &objects.version;
        let (deployment, main) = (objects.deployment.as_ref(), objects.main.as_ref());
        let status = mv.status.clone().unwrap_or_default();
        let spec = &mv.spec;
        let approval = deployment.map(|md| md.spec.approval.clone()).unwrap_or_default();
        let served = deployment.and_then(ModelDeployment::main).filter(|m| !m.is(mv));
        let pending = status.transition.as_ref().filter(|t| t.approval.is_none());
        Self {
            name: mv.name_any(),
            namespace: mv.namespace().unwrap_or_default(),
            deployment: spec.deployment.clone(),
            version: spec.version.clone(),
            stage: status.stage,
            state: state(&status.conditions),
            last_failure: status.last_failure.clone(),
            uri: spec.artifact.uri.clone(),
            digest: spec.artifact.digest(),
            baseline_uri: spec.baseline.as_ref().map(|baseline| baseline.uri.clone()),
            examples: spec.examples.as_ref().map(|examples| ReviewedExamples {
                uri: examples.uri.clone(),
                tolerance: examples.tolerance.clone(),
            }),
            preprocessing: spec.preprocessing.iter().map(ReviewedGraph::of).collect(),
            runtime: spec.runtime.clone(),
            main_runtime_image: main.and_then(|m| m.spec.runtime.as_ref()).map(|r| r.image.clone()),
            proven: condition::find(&status.conditions, PROVEN).map(State::of),
            brings: Brings::of(mv, main),
            bytes: status.model.as_ref().map(|m| m.bytes),
            documentation: spec.documentation.clone(),
            dataset: spec.evaluation.as_ref().and_then(|e| e.dataset.clone()),
            metrics: metrics::rows(
                spec.evaluation.as_ref(),
                main.and_then(|m| m.spec.evaluation.as_ref()),
                &approval.gates,
            ),
            acceptance_required: approval.acceptance_test == AcceptanceTest::Required,
            acceptance: status.acceptance.clone(),
            provenance: spec.provenance.clone(),
            effect: pending.map(|t| effect(t, deployment, served)),
            breaking: Breaking::of(mv, main, served),
            live: deployment.and_then(|md| live(md, &spec.artifact.digest())).cloned(),
            main_record: deployment.and_then(|md| main_record(md, objects)),
            main: served.cloned(),
            signature: signature::difference(
                status.model.as_ref(),
                main.and_then(|m| m.status.as_ref()).and_then(|s| s.model.as_ref()),
            ),
            commands: None,
            transition: status.transition,
        }
    }

    /// With the commands that decide, if a request waits. `flags` lead to the same cluster and namespace; `stamped` says
    /// whether the API server adds the name of the approver.
    #[must_use]
    pub fn with_commands(mut self, flags: &[String], stamped: bool) -> Self {
        self.commands = self.pending().map(|t| commands(&self.name, t, flags, stamped));
        self
    }

    /// The request that waits for a decision.
    #[must_use]
    pub fn pending(&self) -> Option<&Transition> {
        self.transition.as_ref().filter(|t| t.approval.is_none())
    }
}

fn state(conditions: &[Condition]) -> Option<State> {
    let found = condition::find(conditions, APPROVABLE).or_else(|| condition::find(conditions, READY))?;
    Some(State::of(found))
}

/// The newest row of what was main, while it is main.
fn main_record(md: &ModelDeployment, objects: &ReviewedObjects) -> Option<MainRow> {
    let versions: Vec<ModelVersion> =
        std::iter::once(&objects.version).chain(&objects.main).cloned().collect();
    main_record::rows(md, &versions).pop().filter(|row| row.record.to.is_none())
}

/// The comparison of this artifact with the present main.
fn live<'a>(md: &'a ModelDeployment, digest: &str) -> Option<&'a Comparison> {
    let comparison = md.status.as_ref()?.comparison.as_ref()?;
    let present = md.main().is_some_and(|main| main.digest == comparison.main.digest);
    Some(comparison).filter(|c| present && c.challenger.digest == digest && c.pairs > 0)
}

/// What happens to main and its callers.
fn effect(
    transition: &Transition,
    deployment: Option<&ModelDeployment>,
    main: Option<&ServedVersion>,
) -> String {
    match (transition.from, transition.to, main) {
        (_, Stage::Production, Some(main)) => {
            let keep = deployment.map_or_else(Rollback::default, |md| md.spec.rollback.clone()).keep_warm;
            let seconds = std::time::Duration::from(keep).as_secs();
            let warm = when::span(i64::try_from(seconds).unwrap_or(i64::MAX));
            let name = &main.model_version;
            format!(
                "replaces {} ({name}), which is archived; its pods stay for {warm} for a rollback",
                main.version
            )
        }
        (_, Stage::Production, None) => "becomes main; there is no main before it".to_owned(),
        (Stage::Production, to, _) => format!("leaves Production for {to}; there is no main after it"),
        (_, Stage::Staging, _) => "runs alongside main for tests; callers of main notice nothing".to_owned(),
        (_, to, _) => format!("goes to {to}; main stays"),
    }
}

fn commands(name: &str, transition: &Transition, flags: &[String], stamped: bool) -> Commands {
    let plugin = |words: &[&str]| {
        let words = ["kubectl", "understudy"].iter().chain(words).map(|w| (*w).to_owned());
        crate::kubectl::command(&words.chain(flags.iter().cloned()).collect::<Vec<_>>())
    };
    let id = transition.id.as_str();
    let mut approve = Write::annotate(Target::Version, name, &[(APPROVE, id)]);
    let mut reject = Write::annotate(Target::Version, name, &[(REJECT, id), (REASON, "WHY")]);
    if !stamped {
        approve = approve.with(APPROVED_BY, YOUR_NAME);
        reject = reject.with(REJECTED_BY, YOUR_NAME);
    }
    Commands {
        approve: plugin(&["approve", name, "--id", id]),
        reject: plugin(&["reject", name, "--id", id, "--reason", "WHY"]),
        kubectl_approve: approve.kubectl(flags),
        kubectl_reject: reject.kubectl(flags),
        name_stamped: stamped,
    }
}
