//! From the files of a version to an engine that is ready: with the built-in engine, or with another program in the pod.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use understudy_contract::{Failure, Reason};
use understudy_stats::Baseline;

use crate::{
    args::Args,
    artifact::Artifact,
    deadline::Deadlines,
    engine::{Bounds, Engine},
    examples::ExamplesFile,
    load::{self, LoadOptions, PreprocessingFile, Resources, SidecarOptions, Wanted},
    memory_limit,
    metrics::Metrics,
    model::Model,
    onnx,
    runtime::{self, Endpoint, health},
    session::Session,
    version_files,
};

/// Fetches the files of the version and loads its model. Also returns its baseline.
pub async fn load(
    args: &Args,
    version: &str,
    metrics: &Arc<Metrics>,
) -> Result<(Option<Baseline>, Engine), Failure> {
    if let Some(endpoint) = endpoint(args) {
        let (baseline, examples) =
            tokio::try_join!(version_files::baseline(args), version_files::examples(args))?;
        limit_memory(args);
        return Ok((baseline, external(args, version, endpoint, examples, metrics).await?));
    }
    // Concurrently: the other files are small, and the model arrives in many chunks. ONNX Runtime comes after them, so that
    // a damaged file does not end the process while it loads the model.
    let (baseline, examples, preprocessing, artifact) = tokio::try_join!(
        version_files::baseline(args),
        version_files::examples(args),
        version_files::preprocessing(args),
        version_files::model(args)
    )?;
    limit_memory(args);
    let engine = built_in(args, version, Files { artifact, preprocessing, examples }, metrics).await?;
    Ok((baseline, engine))
}

/// Where the other program listens, if one runs the model.
#[must_use]
pub fn endpoint(args: &Args) -> Option<Endpoint> {
    args.runtime_port.map(|port| Endpoint { port, model: args.runtime_model.clone() })
}

fn limit_memory(args: &Args) {
    match memory_limit::apply(args.memory_limit) {
        Ok(bytes) => tracing::info!(bytes, "memory limit"),
        Err(error) => {
            tracing::warn!(error, "failed to limit the memory: a large inference can end the process");
        }
    }
}

/// The fetched files of which a model is made.
struct Files {
    artifact: Artifact,
    preprocessing: Vec<Artifact>,
    examples: Option<ExamplesFile>,
}

impl Files {
    fn paths(&self) -> Vec<PathBuf> {
        let graphs = self.preprocessing.iter().chain([&self.artifact]).map(|file| &file.path);
        graphs.chain(self.examples.iter().map(|file| &file.path)).cloned().collect()
    }
}

/// Inspects the graphs before the model.
fn inspect_all(files: Vec<Artifact>) -> Result<Vec<PreprocessingFile>, Failure> {
    let inspect = |(graph, artifact): (usize, Artifact)| {
        let facts = onnx::inspect(&artifact.path).map_err(|Failure { reason, message }| {
            Failure::new(reason, format!("preprocessing[{graph}]: {message}"))
        })?;
        Ok(PreprocessingFile { artifact, facts })
    };
    files.into_iter().enumerate().map(inspect).collect()
}

/// Inspects, loads and warms up the model, lets it reproduce its examples, and starts the engine.
async fn built_in(
    args: &Args,
    version: &str,
    files: Files,
    metrics: &Arc<Metrics>,
) -> Result<Engine, Failure> {
    let (args, version) = (args.clone(), version.to_owned());
    let paths = files.paths();
    let limit = args.load_timeout;
    let deadlines = Arc::new(Deadlines::default());
    tokio::spawn(Arc::clone(&deadlines).watch());
    let blocking = tokio::task::spawn_blocking(move || {
        let facts = onnx::inspect(&files.artifact.path)?;
        let preprocessing = inspect_all(files.preprocessing)?;
        load::model(&LoadOptions {
            deployment: &args.deployment,
            version: &version,
            artifact: &files.artifact,
            digest: args.sha256,
            facts,
            preprocessing: &preprocessing,
            onnxruntime: &args.onnxruntime,
            wanted: Wanted { sessions: args.sessions, intra_op: args.intra_op_threads },
            resources: Resources {
                processors: args.processors(),
                memory: memory_limit::of(args.memory_limit),
            },
            deadlines: &deadlines,
            max_run: args.max_run,
            batching: !args.no_batching,
            examples: files.examples.as_ref(),
        })
        .map(|loaded| (loaded, args))
    });
    let ((model, sessions), args) = within(limit, blocking).await?;
    // The sessions have a copy of the weights, and the examples have been reproduced.
    remove(&paths);
    let sessions = sessions.into_iter().map(|session| Box::new(session) as Box<dyn Session>).collect();
    start(model, sessions, &args, metrics)
}

/// Waits for the other program, reads its description, and lets it reproduce the examples.
async fn external(
    args: &Args,
    version: &str,
    endpoint: Endpoint,
    examples: Option<ExamplesFile>,
    metrics: &Arc<Metrics>,
) -> Result<Engine, Failure> {
    health::wait(&endpoint, args.load_timeout).await?;
    let described = runtime::describe(&endpoint).await?;
    let file = args.runtime_file.clone().unwrap_or_default();
    let size = tokio::fs::metadata(&file).await.map_err(|error| {
        Failure::new(Reason::StartFailed, format!("failed to read {}: {error}", file.display()))
    })?;
    let (args, version) = (args.clone(), version.to_owned());
    let paths: Vec<_> = examples.iter().map(|file| file.path.clone()).collect();
    let limit = args.load_timeout;
    let blocking = tokio::task::spawn_blocking(move || {
        load::sidecar(SidecarOptions {
            deployment: &args.deployment,
            version: &version,
            digest: args.sha256,
            bytes: size.len(),
            endpoint: &endpoint,
            image: args.runtime_image.as_deref(),
            described,
            sessions: args.sessions,
            processors: args.processors(),
            max_run: args.max_run,
            batching: !args.no_batching,
            examples: examples.as_ref(),
        })
        .map(|loaded| (loaded, args))
    });
    let ((model, sessions), args) = within(limit, blocking).await?;
    remove(&paths);
    let sessions = sessions.into_iter().map(|session| Box::new(session) as Box<dyn Session>).collect();
    start(model, sessions, &args, metrics)
}

/// The result of loading, which has so much time.
async fn within<T>(limit: Duration, blocking: JoinHandle<Result<T, Failure>>) -> Result<T, Failure> {
    let Ok(loaded) = tokio::time::timeout(limit, blocking).await else {
        let message =
            format!("the model did not load and complete its first inferences within {} s", limit.as_secs());
        return Err(Failure::new(Reason::WarmUpFailed, message));
    };
    loaded.expect("loading does not panic")
}

fn remove(paths: &[PathBuf]) {
    for path in paths {
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!(path = %path.display(), error = %error, "failed to remove a fetched file");
        }
    }
}

fn start(
    model: Model,
    sessions: Vec<Box<dyn Session>>,
    args: &Args,
    metrics: &Arc<Metrics>,
) -> Result<Engine, Failure> {
    tracing::info!(latency_us = u64::try_from(model.latency.as_micros()).unwrap_or(u64::MAX), "warm");
    let bounds = Bounds {
        queue: args.queue,
        queue_wait: args.queue_wait,
        queue_target: args.queue_target,
        run: args.max_run,
        max_body: args.max_body,
    };
    Engine::start(model, sessions, Arc::clone(metrics), bounds)
        .map_err(|error| Failure::new(Reason::StartFailed, format!("failed to start a thread: {error}")))
}
