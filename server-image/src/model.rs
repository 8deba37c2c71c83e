//! Loads a model: its sessions, its description, and its first inference.

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use ort::{
    environment::Environment,
    ep,
    session::{Session, builder::GraphOptimizationLevel},
};
use understudy_contract::{
    Digest, Failure, ProbeAnswer, Reason,
    probe::{self, Proof},
};
use understudy_stats::Identity;

use crate::{
    artifact::Artifact,
    batch::Batching,
    codec::response::Templates,
    deadline::Deadlines,
    examples::{self, Examples, ExamplesFile, Reproduced},
    onnx::Facts,
    output::Output,
    outputs::{self, learn_classes},
    proof::KnownProof,
    session::{OnnxRuntime, run},
    signature::{Port, Signature},
    tensor::Tensor,
    warm_up::{self, Found},
};

/// Warm-up runs of a session: enough for a median. They end earlier if they take longer than [`MAX_WARM_UP`] together.
const RUNS: usize = 15;
const MAX_WARM_UP: Duration = Duration::from_millis(100);
/// Longest error of a warm-up that the operator learns, in bytes.
const MAX_ERROR: usize = 1024;
/// The assumed time of an inference while none is known: too long for the threads that read requests.
const UNKNOWN: Duration = Duration::from_millis(1);
/// Most named features. Each gets a field in the form, and a column in records.
const FEATURES: usize = 10_000;

/// One version of one model, without its sessions.
#[derive(Debug)]
pub struct Model {
    /// Name of the `ModelDeployment`.
    pub deployment: String,
    /// Version and digest.
    pub identity: Arc<Identity>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Version of the default ONNX operator set, if the model uses it.
    pub opset: Option<u64>,
    /// Whether a part of it may run many times, as often as a value says.
    pub has_loops: bool,
    /// Inputs and outputs.
    pub signature: Arc<Signature>,
    /// Names of the features of a single vector input, from the metadata property `feature_names`.
    pub features: Option<Vec<String>>,
    /// The inputs of the operator's probe: of an example, or synthetic ones on which the model ran in the warm-up. If it ran on
    /// none, the simplest ones.
    pub probe_inputs: Vec<Tensor>,
    /// What is known about whether it answers.
    pub proof: KnownProof,
    /// The examples, all of which it reproduces.
    pub examples: Examples,
    /// The fixed parts of its responses.
    pub templates: Templates,
    /// Median time of an inference in the warm-up.
    pub latency: Duration,
    /// How requests are joined into one run. `None` if that is not possible, or does not pay.
    pub batching: Option<Batching>,
}

impl Model {
    /// Rows of a request: the first dimension of the first input, if it may vary. Otherwise 1.
    #[must_use]
    pub fn batch(&self, inputs: &[Tensor]) -> u64 {
        match (self.signature.inputs.first(), inputs.first()) {
            (Some(port), Some(tensor)) if port.shape.first() == Some(&-1) => {
                tensor.shape.first().and_then(|rows| u64::try_from(*rows).ok()).unwrap_or(1)
            }
            _ => 1,
        }
    }

    /// The answer to the operator's probe as JSON, after an inference that took `latency`.
    #[must_use]
    pub fn probe_answer(&self, latency: Duration) -> Vec<u8> {
        let answer = ProbeAnswer {
            deployment: self.deployment.clone(),
            version: self.identity.version.clone(),
            digest: self.identity.digest.clone(),
            model: probe::Signature {
                inputs: self.signature.inputs.iter().map(tensor).collect(),
                outputs: self.signature.outputs.iter().map(tensor).collect(),
                opset: self.opset.map_or(0, |opset| i64::try_from(opset).unwrap_or(i64::MAX)),
                bytes: self.bytes,
            },
            latency_micros: u64::try_from(latency.as_micros()).unwrap_or(u64::MAX),
            proof: self.proof.now(),
        };
        serde_json::to_vec(&answer).expect("names and numbers are always JSON")
    }
}

fn tensor(port: &Port) -> probe::Tensor {
    probe::Tensor {
        name: port.name.clone(),
        datatype: port.datatype.name().to_owned(),
        shape: port.shape.clone(),
        any_shape: port.any_shape,
    }
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
    /// ONNX Runtime's shared library.
    pub onnxruntime: &'a Path,
    /// Number of sessions.
    pub sessions: NonZeroUsize,
    /// Where the deadlines of their runs belong.
    pub deadlines: &'a Deadlines,
    /// The examples, if the version has some.
    pub examples: Option<&'a ExamplesFile>,
}

/// Loads the shared library of ONNX Runtime. May be called once in a process. Fails with `LoadFailed`.
pub fn environment(onnxruntime: &Path) -> Result<Environment, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        let message = format!("failed to load ONNX Runtime from {}: {error}", onnxruntime.display());
        Failure::new(Reason::LoadFailed, message)
    };
    let builder = ort::init_from(onnxruntime).map_err(|error| failed(&error))?;
    let environment = builder.with_telemetry(false).build().map_err(|error| failed(&error))?;
    environment.set_log_level(ort::logging::LogLevel::Error);
    Ok(environment)
}

/// Opens the sessions, lets one of them reproduce the examples, and warms up each of them.
///
/// Fails with `LoadFailed` if ONNX Runtime cannot load the model, with `InvalidModel` if the protocol cannot carry its
/// tensors, with `InvalidExamples` or `ExamplesDiffer` if it does not reproduce the examples, and with `WarmUpFailed` if its
/// first inference needs too much memory, or its outputs cannot be served.
pub fn load(options: &LoadOptions<'_>) -> Result<(Model, Vec<OnnxRuntime>), Failure> {
    let environment = environment(options.onnxruntime)?;
    let mut sessions = open(&environment, options)?;
    let mut signature = Signature::of(&sessions[0], &options.facts.without_shape)
        .map_err(|what| Failure::new(Reason::InvalidModel, what))?;
    let features = features(&sessions[0]);
    if features.as_ref().is_some_and(|names| names.len() > FEATURES) {
        let message = format!("the metadata property `feature_names` has more than {FEATURES} names");
        return Err(Failure::new(Reason::InvalidModel, message));
    }
    let Prepared { inputs, proof, examples } = match options.examples {
        Some(file) => reproduce(file, &mut sessions[0], &mut signature, features.as_deref())?,
        None => try_synthetic(&mut sessions[0], &mut signature)?,
    };
    let (latency, batching) = if matches!(proof, Proof::Missing { .. }) {
        (UNKNOWN, None)
    } else {
        warm(&mut sessions, &signature, &inputs)?
    };
    let signature = Arc::new(signature);
    let model = Model {
        deployment: options.deployment.to_owned(),
        identity: Arc::new(Identity {
            version: options.version.to_owned(),
            digest: options.digest.prefixed(),
        }),
        bytes: options.artifact.bytes,
        opset: options.facts.opset,
        has_loops: options.facts.has_loops,
        templates: Templates::new(options.deployment, options.version, &signature),
        signature: Arc::clone(&signature),
        features,
        probe_inputs: inputs,
        proof: KnownProof::new(proof),
        examples,
        latency,
        batching,
    };
    let ready = |session| Ok(OnnxRuntime::new(session, Arc::clone(&signature), options.deadlines.add()?));
    let sessions: Result<_, ort::Error> = sessions.into_iter().map(ready).collect();
    Ok((model, sessions.map_err(|error| Failure::new(Reason::LoadFailed, error))?))
}

/// What is known before the sessions are warmed up.
struct Prepared {
    inputs: Vec<Tensor>,
    proof: Proof,
    examples: Examples,
}

/// Reproduces the examples.
fn reproduce(
    file: &ExamplesFile,
    session: &mut Session,
    signature: &mut Signature,
    features: Option<&[String]>,
) -> Result<Prepared, Failure> {
    let mut is_first = true;
    let mut run = |inputs: &[Tensor], signature: &mut Signature| -> Result<Vec<Output>, String> {
        let values = run(session, inputs).map_err(|error| error.to_string())?;
        if std::mem::take(&mut is_first) {
            learn_classes(&values, signature).map_err(|error| error.to_string())?;
        }
        outputs::of(values, signature)
    };
    let Reproduced { examples, inputs } = examples::reproduce(file, signature, features, &mut run)?;
    let count = examples.count();
    tracing::info!(count, "reproduced the examples");
    Ok(Prepared { inputs, proof: Proof::Examples { count }, examples })
}

/// Tries synthetic inputs. A model that fails on all of them may answer its callers nevertheless.
fn try_synthetic(session: &mut Session, signature: &mut Signature) -> Result<Prepared, Failure> {
    let examples = Examples::default();
    match warm_up::find(session, signature)? {
        Found::Works(inputs) => {
            run(session, &inputs)
                .and_then(|values| learn_classes(&values, signature))
                .map_err(|error| Failure::new(Reason::WarmUpFailed, error))?;
            Ok(Prepared { inputs, proof: Proof::Synthetic, examples })
        }
        Found::Nothing { simplest, error } => {
            if let Some(port) = signature.outputs.iter().find(|port| port.classes.is_some()) {
                let message = format!(
                    "{error}; the names of the classes of output `{}` are unknown without an answer: publish it with spec.examples",
                    port.name
                );
                return Err(Failure::new(Reason::WarmUpFailed, message));
            }
            tracing::warn!(
                error,
                "no synthetic input works: nothing is known about whether the model answers"
            );
            Ok(Prepared { inputs: simplest, proof: Proof::Missing { error: shortened(error) }, examples })
        }
    }
}

/// The error as it is reported.
fn shortened(mut error: String) -> String {
    error.truncate(error.floor_char_boundary(MAX_ERROR));
    error
}

/// Warms up all sessions. Returns the median time of an inference, and how requests are joined.
fn warm(
    sessions: &mut [Session],
    signature: &Signature,
    inputs: &[Tensor],
) -> Result<(Duration, Option<Batching>), Failure> {
    let mut latency = Duration::ZERO;
    for session in &mut *sessions {
        latency = median(session, inputs).map_err(|error| Failure::new(Reason::WarmUpFailed, error))?;
    }
    Ok((latency, warm_up::batching(&mut sessions[0], signature, inputs, latency)))
}

/// Opens all sessions concurrently, so that several do not take longer than one.
fn open(environment: &Environment, options: &LoadOptions<'_>) -> Result<Vec<Session>, Failure> {
    std::thread::scope(|scope| {
        let loads: Vec<_> =
            (0..options.sessions.get()).map(|_| scope.spawn(|| open_one(environment, options))).collect();
        loads.into_iter().map(|load| load.join().expect("loading does not panic")).collect()
    })
}

fn open_one(environment: &Environment, options: &LoadOptions<'_>) -> Result<Session, Failure> {
    let open = || -> Result<Session, ort::Error> {
        // One thread for each run: two runs at a time are faster than one run on two threads. Spinning takes processors
        // from other threads. Arena and memory patterns are off: both keep the memory of the largest request so far.
        Session::builder(environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_memory_pattern(false)?
            .with_execution_providers([ep::CPU::default().with_arena_allocator(false).build()])?
            .commit_from_file(&options.artifact.path)
    };
    open().map_err(|error| {
        Failure::new(Reason::LoadFailed, format!("ONNX Runtime failed to load the model: {error}"))
    })
}

fn median(session: &mut Session, inputs: &[Tensor]) -> Result<Duration, ort::Error> {
    let begin = Instant::now();
    let mut times = Vec::with_capacity(RUNS);
    while times.is_empty() || (times.len() < RUNS && begin.elapsed() < MAX_WARM_UP) {
        let start = Instant::now();
        run(session, inputs)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

/// The property `feature_names`: a JSON list of strings, or names separated by commas.
fn features(session: &Session) -> Option<Vec<String>> {
    let text = session.metadata().ok()?.custom("feature_names")?;
    let listed = serde_json::from_str(&text).ok();
    listed.or_else(|| Some(text.split(',').map(|name| name.trim().to_owned()).collect()))
}
