//! Opens the sessions of ONNX Runtime.

use std::{num::NonZeroUsize, path::Path};

use ort::{
    environment::Environment,
    ep,
    session::{Session, builder::GraphOptimizationLevel},
};
use understudy_contract::{Failure, Reason};

/// Loads the shared library of ONNX Runtime. May be called once in a process. Fails with `LoadFailed`.
pub(super) fn environment(onnxruntime: &Path) -> Result<Environment, Failure> {
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
pub(super) fn open(
    environment: &Environment,
    file: &Path,
    count: NonZeroUsize,
) -> Result<Vec<Session>, Failure> {
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..count.get()).map(|_| scope.spawn(|| open_one(environment, file))).collect();
        loads.into_iter().map(|load| load.join().expect("loading does not panic")).collect()
    })
}

fn open_one(environment: &Environment, file: &Path) -> Result<Session, Failure> {
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
            .commit_from_file(file)
    };
    open().map_err(|error| {
        Failure::new(Reason::LoadFailed, format!("ONNX Runtime failed to load the model: {error}"))
    })
}
