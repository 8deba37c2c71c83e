//! Opens the sessions of ONNX Runtime.

use std::{collections::HashSet, num::NonZeroUsize, path::Path};

use ort::{
    environment::Environment,
    ep,
    session::{Session, builder::GraphOptimizationLevel},
};
use understudy_contract::{Failure, Reason};

use super::parallelism::Parallelism;
use crate::{
    artifact::Artifact,
    deadline::Deadlines,
    onnx::Facts,
    pipeline::{self, Pipeline},
    signature::Signature,
};

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

/// Opens so many sessions of the model in `file` concurrently, so that several do not take longer than one.
/// A file of a pipeline.
pub(super) struct File<'f> {
    pub path: &'f Path,
    /// Its inputs and outputs that have no shape in the file.
    pub without_shape: &'f HashSet<String>,
}

impl<'f> File<'f> {
    /// A fetched file, and the result of its inspection.
    pub fn new(artifact: &'f Artifact, facts: &'f Facts) -> Self {
        Self { path: &artifact.path, without_shape: &facts.without_shape }
    }
}

/// Opens a pipeline for each session concurrently, so that several do not take longer than one. The last file is the model.
/// Also returns what callers see.
pub(super) fn open(
    environment: &Environment,
    files: &[File<'_>],
    deadlines: &Deadlines,
    Parallelism { sessions, intra_op }: Parallelism,
) -> Result<(Vec<Pipeline>, Signature), Failure> {
    let opened: Result<Vec<_>, Failure> = std::thread::scope(|scope| {
        let loads: Vec<_> = (0..sessions.get())
            .map(|_| scope.spawn(|| open_one(environment, files, deadlines, intra_op)))
            .collect();
        loads.into_iter().map(|load| load.join().expect("loading does not panic")).collect()
    });
    let (pipelines, mut signatures): (Vec<_>, Vec<_>) = opened?.into_iter().unzip();
    Ok((pipelines, signatures.swap_remove(0)))
}

/// Opens one pipeline.
pub(super) fn open_one(
    environment: &Environment,
    files: &[File<'_>],
    deadlines: &Deadlines,
    intra_op: NonZeroUsize,
) -> Result<(Pipeline, Signature), Failure> {
    let sessions = files.iter().enumerate().map(|(graph, file)| {
        session(environment, file.path, intra_op).map_err(|error| {
            let what = pipeline::name(graph, files.len());
            Failure::new(Reason::LoadFailed, format!("ONNX Runtime failed to load {what}: {error}"))
        })
    });
    let without_shape: Vec<_> = files.iter().map(|file| file.without_shape).collect();
    let sessions = sessions.collect::<Result<_, _>>()?;
    let deadline = deadlines.add().map_err(|error| Failure::new(Reason::LoadFailed, error))?;
    Pipeline::join(sessions, &without_shape, deadline)
        .map_err(|what| Failure::new(Reason::InvalidModel, what))
}

fn session(environment: &Environment, file: &Path, intra_op: NonZeroUsize) -> Result<Session, ort::Error> {
    // Spinning takes processors from other threads. Arena and memory patterns are off: both keep the memory of the largest
    // request so far.
    Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(intra_op.get())?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(false)?
        .with_execution_providers([ep::CPU::default().with_arena_allocator(false).build()])?
        .commit_from_file(file)
}
