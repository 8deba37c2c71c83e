//! Loads a model that another program in the pod runs: its sessions, its description, and its first inferences.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use understudy_contract::{Digest, Failure, Reason, probe::Proof};
use understudy_stats::Identity;

use super::{
    UNKNOWN, check_features,
    prepare::{Prepared, median, reproduce, try_synthetic, warm},
};
use crate::{
    codec::response::Templates,
    examples::ExamplesFile,
    model::Model,
    proof::KnownProof,
    runtime::{Described, Endpoint, Sidecar},
    session::Trial,
    tensor::Tensor,
    warm_up,
};

/// Fewest calls at the same time, if nothing else is wanted: while one waits for the program, another one can arrive there.
const FEWEST: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not 0");

/// Time for the first runs, which are much slower than the later ones in a JVM or an interpreter.
const SETTLING: Duration = Duration::from_millis(300);

/// What to call, and how.
pub struct SidecarOptions<'a> {
    /// Name of the `ModelDeployment`.
    pub deployment: &'a str,
    /// The semantic version.
    pub version: &'a str,
    /// Digest of the model file.
    pub digest: Digest,
    /// Size of the model file in bytes.
    pub bytes: u64,
    /// Where the program listens.
    pub endpoint: &'a Endpoint,
    /// The image, by its digest.
    pub image: Option<&'a str>,
    /// What the program says about its model.
    pub described: Described,
    /// Calls at the same time.
    pub sessions: Option<NonZeroUsize>,
    /// The processors of this process.
    pub processors: NonZeroUsize,
    /// Longest time of a run.
    pub max_run: Duration,
    /// Whether requests may share a run, if that pays.
    pub batching: bool,
    /// The examples, if the version has some.
    pub examples: Option<&'a ExamplesFile>,
}

/// Runs until a program that compiles what it runs often has done so. What fails here fails again where it is measured.
fn settle(session: &mut impl Trial, inputs: &[Tensor], max_run: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < SETTLING && session.attempt(inputs, Instant::now() + max_run).is_ok() {}
}

/// Lets the program reproduce the examples, and warms up each connection to it.
///
/// Fails as [`super::model`] does, with `InvalidRuntime` if the program does not answer as its description says.
pub fn sidecar(options: SidecarOptions<'_>) -> Result<(Model, Vec<Sidecar>), Failure> {
    let Described { mut signature, features, binary } = options.described;
    check_features(features.as_deref(), Reason::InvalidRuntime)?;
    let count = options.sessions.unwrap_or_else(|| options.processors.max(FEWEST));
    let described = Arc::new(signature.clone());
    let open = |_| Sidecar::new(options.endpoint, Arc::clone(&described), binary);
    let mut sessions = (0..count.get())
        .map(open)
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(|error| Failure::new(Reason::StartFailed, format!("failed to open a session: {error}")))?;
    let Prepared { inputs, proof, examples } = match options.examples {
        Some(file) => {
            reproduce(file, &mut sessions[0], &mut signature, features.as_deref(), options.max_run)?
        }
        None => try_synthetic(&mut sessions[0], &mut signature, options.max_run)?,
    };
    let (latency, batching) = if matches!(proof, Proof::Missing { .. }) {
        (UNKNOWN, None)
    } else {
        settle(&mut sessions[0], &inputs, options.max_run);
        let latency = median(&mut sessions[0], &inputs, options.max_run)?;
        warm(&mut sessions[1..], &inputs, options.max_run)?;
        let batching =
            options.batching.then(|| warm_up::batching(&mut sessions[0], &signature, &inputs, latency));
        (latency, batching.flatten())
    };
    let batch_rows = batching.as_ref().map_or(1, |batching| batching.rows);
    tracing::info!(sessions = count, binary, batch_rows, "the image of spec.runtime runs the model");
    let model = Model {
        deployment: options.deployment.to_owned(),
        identity: Arc::new(Identity {
            version: options.version.to_owned(),
            digest: options.digest.prefixed(),
        }),
        bytes: options.bytes,
        opset: None,
        unpredictable: true,
        runtime_image: options.image.map(str::to_owned),
        templates: Templates::new(options.deployment, options.version, &signature),
        signature: described,
        features,
        probe_inputs: inputs,
        proof: KnownProof::new(proof),
        examples,
        latency,
        batching,
    };
    Ok((model, sessions))
}
