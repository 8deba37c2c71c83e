//! Loads a model: its sessions, its description, and its first inferences.

mod prepare;
mod sessions;

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use ort::session::Session;

use understudy_contract::{Digest, Failure, Reason, probe::Proof};
use understudy_stats::Identity;

use crate::{
    artifact::Artifact, codec::response::Templates, deadline::Deadlines, examples::ExamplesFile,
    model::Model, onnx::Facts, proof::KnownProof, session::OnnxRuntime, signature::Signature,
};
use prepare::{Prepared, reproduce, try_synthetic, warm};
use sessions::{environment, open};

/// The assumed time of an inference while none is known: too long for the threads that read requests.
const UNKNOWN: Duration = Duration::from_millis(1);
/// Most named features. Each gets a field in the form, and a column in records.
const FEATURES: usize = 10_000;

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

/// Opens the sessions, lets one of them reproduce the examples, and warms up each of them.
///
/// Fails with `LoadFailed` if ONNX Runtime cannot load the model, with `InvalidModel` if the protocol cannot carry its
/// tensors, with `InvalidExamples` or `ExamplesDiffer` if it does not reproduce the examples, and with `WarmUpFailed` if its
/// first inference needs too much memory, or its outputs cannot be served.
pub fn load(options: &LoadOptions<'_>) -> Result<(Model, Vec<OnnxRuntime>), Failure> {
    let environment = environment(options.onnxruntime)?;
    let mut sessions = open(&environment, &options.artifact.path, options.sessions)?;
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

/// The property `feature_names`: a JSON list of strings, or names separated by commas.
fn features(session: &Session) -> Option<Vec<String>> {
    let text = session.metadata().ok()?.custom("feature_names")?;
    let listed = serde_json::from_str(&text).ok();
    listed.or_else(|| Some(text.split(',').map(|name| name.trim().to_owned()).collect()))
}
