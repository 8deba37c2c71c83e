//! Loads a model: its sessions, its description, and its first inferences.

mod parallelism;
mod prepare;
mod sessions;
mod sidecar;

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use ort::environment::Environment;
use understudy_contract::{Digest, Failure, Reason, probe::Proof};
use understudy_stats::Identity;

use crate::{
    artifact::Artifact, codec::response::Templates, deadline::Deadlines, examples::ExamplesFile,
    model::Model, onnx::Facts, onnx_runtime::OnnxRuntime, pipeline::Pipeline, proof::KnownProof,
    tensor::Tensor, warm_up,
};
use parallelism::Parallelism;
pub use parallelism::{Resources, Wanted};
use prepare::{Prepared, median, reproduce, try_synthetic, warm};
pub use sessions::environment;
use sessions::{File, open, open_one};
pub use sidecar::{SidecarOptions, sidecar};

/// The assumed time of an inference while none is known: too long for the threads that read requests.
const UNKNOWN: Duration = Duration::from_millis(1);
/// Most named features. Each gets a field in the form, and a column in records.
const FEATURES: usize = 10_000;

/// A graph before the model.
#[derive(Debug)]
pub struct PreprocessingFile {
    /// The file, with a checked digest.
    pub artifact: Artifact,
    /// The result of its inspection.
    pub facts: Facts,
}

/// What to load, and into how many sessions.
pub struct LoadOptions<'a> {
    /// Name of the `ModelDeployment`.
    pub deployment: &'a str,
    /// The semantic version.
    pub version: &'a str,
    /// The file, with a checked digest.
    pub artifact: &'a Artifact,
    /// Its digest.
    pub digest: Digest,
    /// The result of the inspection.
    pub facts: Facts,
    /// The graphs before it, in their order.
    pub preprocessing: &'a [PreprocessingFile],
    /// ONNX Runtime's shared library.
    pub onnxruntime: &'a Path,
    /// How runs share the processors, as far as it is wanted.
    pub wanted: Wanted,
    /// What the process has.
    pub resources: Resources,
    /// Where the deadlines of their runs belong.
    pub deadlines: &'a Deadlines,
    /// Longest time of a run.
    pub max_run: Duration,
    /// Whether requests may share a run, if that pays.
    pub batching: bool,
    /// The examples, if the version has some.
    pub examples: Option<&'a ExamplesFile>,
}

/// Opens the sessions, lets one of them reproduce the examples, and warms up each of them.
///
/// Fails with `LoadFailed` if ONNX Runtime cannot load the model, with `InvalidModel` if the protocol cannot carry its
/// tensors, with `InvalidExamples` or `ExamplesDiffer` if it does not reproduce the examples, and with `WarmUpFailed` if its
/// first inference needs too much memory, or its outputs cannot be served.
pub fn model(options: &LoadOptions<'_>) -> Result<(Model, Vec<OnnxRuntime>), Failure> {
    let environment = environment(options.onnxruntime)?;
    let before = options.preprocessing.iter().map(|file| (&file.artifact, &file.facts));
    let all: Vec<_> = before.chain([(options.artifact, &options.facts)]).collect();
    let bytes = all.iter().map(|(artifact, _)| artifact.bytes).sum();
    let has_loops = all.iter().any(|(_, facts)| facts.has_loops);
    let files: Vec<_> = all.iter().map(|(artifact, facts)| File::new(artifact, facts)).collect();
    let mut parallelism = Parallelism::of(options.wanted, options.resources, bytes);
    let (mut sessions, mut signature) = open(&environment, &files, options.deadlines, parallelism)?;
    let features = features(&sessions[0]);
    check_features(features.as_deref(), Reason::InvalidModel)?;
    let Prepared { inputs, proof, examples } = match options.examples {
        Some(file) => {
            reproduce(file, &mut sessions[0], &mut signature, features.as_deref(), options.max_run)?
        }
        None => try_synthetic(&mut sessions[0], &mut signature, options.max_run)?,
    };
    let (latency, batching) = if matches!(proof, Proof::Missing { .. }) {
        (UNKNOWN, None)
    } else {
        let latency = median(&mut sessions[0], &inputs, options.max_run)?;
        let latency = match with_more_threads(&environment, &files, options, &inputs, parallelism, latency)? {
            Some((better, others, tried)) => {
                (parallelism, sessions) = (better, others);
                tried
            }
            None => latency,
        };
        warm(&mut sessions[1..], &inputs, options.max_run)?;
        let batching =
            options.batching.then(|| warm_up::batching(&mut sessions[0], &signature, &inputs, latency));
        (latency, batching.flatten())
    };
    let Parallelism { sessions: count, intra_op } = parallelism;
    let batch_rows = batching.as_ref().map_or(1, |batching| batching.rows);
    tracing::info!(sessions = count, intra_op_threads = intra_op, batch_rows, "runs share the processors");
    let signature = Arc::new(signature);
    let model = Model {
        deployment: options.deployment.to_owned(),
        identity: Arc::new(Identity {
            version: options.version.to_owned(),
            digest: options.digest.prefixed(),
        }),
        bytes: options.artifact.bytes,
        opset: options.facts.opset,
        unpredictable: has_loops,
        runtime_image: None,
        templates: Templates::new(options.deployment, options.version, &signature),
        signature: Arc::clone(&signature),
        features,
        probe_inputs: inputs,
        proof: KnownProof::new(proof),
        examples,
        latency,
        batching,
    };
    let sessions = sessions.into_iter().map(|session| OnnxRuntime::new(session, Arc::clone(&signature)));
    Ok((model, sessions.collect()))
}

fn check_features(features: Option<&[String]>, reason: Reason) -> Result<(), Failure> {
    if features.is_some_and(|names| names.len() > FEATURES) {
        let message = format!("the metadata property `feature_names` has more than {FEATURES} names");
        return Err(Failure::new(reason, message));
    }
    Ok(())
}

/// Sessions with more threads for each run, if they pay, and the time of a run. The first one is warm. A run on one thread
/// takes `latency`.
fn with_more_threads(
    environment: &Environment,
    files: &[File<'_>],
    options: &LoadOptions<'_>,
    inputs: &[Tensor],
    parallelism: Parallelism,
    latency: Duration,
) -> Result<Option<(Parallelism, Vec<Pipeline>, Duration)>, Failure> {
    let Some(threads) = parallelism.to_try(options.wanted, latency) else { return Ok(None) };
    let (mut first, _) = open_one(environment, files, options.deadlines, threads)?;
    let tried = median(&mut first, inputs, options.max_run)?;
    let Some(better) = parallelism.with_threads(threads, latency, tried) else { return Ok(None) };
    let mut sessions = vec![first];
    if let Some(others) = NonZeroUsize::new(better.sessions.get() - 1) {
        let others = Parallelism { sessions: others, ..better };
        sessions.extend(open(environment, files, options.deadlines, others)?.0);
    }
    Ok(Some((better, sessions, tried)))
}

/// The property `feature_names`: a JSON list of strings, or names separated by commas.
fn features(session: &Pipeline) -> Option<Vec<String>> {
    let text = session.property("feature_names")?;
    let listed = serde_json::from_str(&text).ok();
    listed.or_else(|| Some(text.split(',').map(|name| name.trim().to_owned()).collect()))
}
