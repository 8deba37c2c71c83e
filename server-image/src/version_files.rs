//! The files of a version, each with its digest: the model, the graphs before it, its baseline and its examples.

use std::path::Path;

use understudy_contract::{Failure, Reason, preprocessing::Graph};
use understudy_stats::Baseline;

use crate::{
    args::Args,
    artifact::{self, Artifact},
    examples::{self, ExamplesFile, Tolerance},
};

/// Largest baseline in bytes. A thousand columns need less.
const MAX_BASELINE: u64 = 4 << 20;

/// Fetches the model.
pub async fn model(args: &Args) -> Result<Artifact, Failure> {
    let request = artifact::FetchRequest {
        uri: &args.artifact,
        sha256: &args.sha256,
        secret_dir: args.secret_dir.as_deref(),
        pvc_dir: args.pvc_dir.as_deref(),
        work_dir: &args.work_dir,
        file: "model.onnx",
        limit: args.max_artifact,
    };
    artifact::fetch(&request).await
}

/// Fetches the model into this file, for another program.
pub async fn model_to(args: &Args, path: &Path) -> Result<Artifact, Failure> {
    let (Some(work_dir), Some(file)) = (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        let message = format!("--fetch-to: {} is not the path of a file", path.display());
        return Err(Failure::new(Reason::StartFailed, message));
    };
    let request = artifact::FetchRequest {
        uri: &args.artifact,
        sha256: &args.sha256,
        secret_dir: args.secret_dir.as_deref(),
        pvc_dir: args.pvc_dir.as_deref(),
        work_dir,
        file,
        limit: args.max_artifact,
    };
    artifact::fetch(&request).await
}

/// Fetches and parses the baseline. `None` without `--baseline`.
pub async fn baseline(args: &Args) -> Result<Option<Baseline>, Failure> {
    let (Some(uri), Some(sha256)) = (&args.baseline, &args.baseline_sha256) else { return Ok(None) };
    let request = artifact::FetchRequest {
        uri,
        sha256,
        secret_dir: secret_for(args, args.baseline_secret_dir.as_deref(), uri)?,
        pvc_dir: args.baseline_pvc_dir.as_deref(),
        work_dir: &args.work_dir,
        file: "baseline.json",
        limit: MAX_BASELINE,
    };
    let artifact = artifact::fetch(&request).await?;
    let bytes = tokio::fs::read(&artifact.path).await.map_err(|error| {
        Failure::new(Reason::StartFailed, format!("failed to read {}: {error}", artifact.path.display()))
    })?;
    Baseline::parse(&bytes)
        .map(Some)
        .map_err(|error| Failure::new(Reason::InvalidBaseline, format!("{uri}: {error}")))
}

/// Fetches the examples. `None` without `--examples`.
pub async fn examples(args: &Args) -> Result<Option<ExamplesFile>, Failure> {
    let (Some(uri), Some(sha256)) = (&args.examples, &args.examples_sha256) else { return Ok(None) };
    let request = artifact::FetchRequest {
        uri,
        sha256,
        secret_dir: secret_for(args, args.examples_secret_dir.as_deref(), uri)?,
        pvc_dir: args.examples_pvc_dir.as_deref(),
        work_dir: &args.work_dir,
        file: "examples.jsonl",
        limit: examples::MAX_FILE,
    };
    let Artifact { path, .. } = artifact::fetch(&request).await?;
    let tolerance = Tolerance { absolute: args.examples_absolute, relative: args.examples_relative };
    Ok(Some(ExamplesFile { path, uri: uri.clone(), tolerance }))
}

/// Fetches the graphs before the model, in their order.
pub async fn preprocessing(args: &Args) -> Result<Vec<Artifact>, Failure> {
    let mut artifacts = Vec::with_capacity(args.preprocessing.0.len());
    for (at, graph) in args.preprocessing.0.iter().enumerate() {
        artifacts.push(graph_file(args, at, graph).await.map_err(|Failure { reason, message }| {
            Failure::new(reason, format!("preprocessing[{at}]: {message}"))
        })?);
    }
    Ok(artifacts)
}

async fn graph_file(args: &Args, at: usize, graph: &Graph) -> Result<Artifact, Failure> {
    let sha256 = graph.sha256.parse().map_err(|error| Failure::new(Reason::StartFailed, error))?;
    let request = artifact::FetchRequest {
        uri: &graph.uri,
        sha256: &sha256,
        secret_dir: secret_for(args, graph.secret_dir.as_deref().map(Path::new), &graph.uri)?,
        pvc_dir: graph.pvc_dir.as_deref().map(Path::new),
        work_dir: &args.work_dir,
        file: &format!("preprocessing-{at}.onnx"),
        limit: args.max_artifact,
    };
    artifact::fetch(&request).await
}

/// The Secret for the file at `uri`: its own, or that of the model if both come from the same place. Credentials are never
/// sent to another one.
fn secret_for<'a>(args: &'a Args, own: Option<&'a Path>, uri: &str) -> Result<Option<&'a Path>, Failure> {
    if own.is_some() {
        return Ok(own);
    }
    let is_same = artifact::Uri::parse(uri)?.has_origin_of(&artifact::Uri::parse(&args.artifact)?);
    Ok(args.secret_dir.as_deref().filter(|_| is_same))
}
