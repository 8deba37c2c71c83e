//! The same model with the same settings in a loop, without a server: the limit of ONNX Runtime.
//!
//! It runs in a process of its own, since ONNX Runtime is loaded once in a process and its load is measured as well.

use std::{
    num::NonZeroUsize,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use understudy_server::{
    artifact::Artifact,
    codec,
    deadline::Deadlines,
    load::{self, LoadOptions, Resources, Wanted},
    model::Model,
    onnx,
    onnx_runtime::OnnxRuntime,
    session::Session,
    tensor::Tensor,
};

use crate::{IN_PROCESS, case::Case, load::Measured, pin::Pin};

/// What a loop measured.
#[derive(Serialize, Deserialize)]
pub struct Alone {
    /// ONNX Runtime's library, the sessions, and the first inferences of each.
    pub load_ms: f64,
    pub measured: Measured,
}

/// Runs the case on so many threads, for so long.
pub fn run(case: &Case, threads: usize, time: Duration, pin: &Pin) -> Alone {
    let directory = tempfile::tempdir().expect("a directory for the bench");
    let request = directory.path().join("request.json");
    std::fs::write(&request, case.json()).expect("the directory is writable");
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = pin.server(program);
    command.arg(IN_PROCESS).arg(&case.file).arg(&request);
    command.args([threads.to_string(), time.as_millis().to_string()]);
    answer(&mut command)
}

fn answer(command: &mut Command) -> Alone {
    let output = command.output().expect("this program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints what it measured")
}

/// This program in that process: prints what it measured.
pub fn child(file: &str, request: &str, threads: &str, millis: &str) {
    let threads: NonZeroUsize = threads.parse().expect("a number of threads");
    let time = Duration::from_millis(millis.parse().expect("a time"));
    let begin = Instant::now();
    let (model, sessions) = open(Path::new(file), threads);
    let load_ms = begin.elapsed().as_secs_f64() * 1e3;
    let body = std::fs::read(request).expect("the request is a file");
    let request =
        codec::InferRequest::read(&body, None, &model.signature).expect("the request fits the model");
    let measured = loops(sessions, &request.inputs, time);
    println!("{}", serde_json::to_string(&Alone { load_ms, measured }).expect("numbers are always JSON"));
}

fn open(file: &Path, sessions: NonZeroUsize) -> (Model, Vec<OnnxRuntime>) {
    let artifact = Artifact { path: file.to_owned(), bytes: 0 };
    let options = LoadOptions {
        deployment: "bench",
        version: "1.0.0",
        facts: onnx::inspect(file).expect("a valid model"),
        artifact: &artifact,
        digest: [0; 32].into(),
        onnxruntime: &crate::options::onnxruntime(),
        preprocessing: &[],
        wanted: Wanted { sessions: Some(sessions), intra_op: Some(NonZeroUsize::MIN) },
        resources: Resources { processors: sessions, memory: None },
        deadlines: &Deadlines::default(),
        max_run: Duration::from_mins(1),
        batching: true,
        examples: None,
    };
    load::model(&options).expect("the model loads")
}

/// A thread for each session. The first tenth is not measured, as in a load.
fn loops(sessions: Vec<OnnxRuntime>, inputs: &[Tensor], time: Duration) -> Measured {
    let begin = Instant::now() + time / 10;
    let end = begin + time;
    let one = |mut session: OnnxRuntime| {
        let mut taken = Vec::new();
        loop {
            let sent = Instant::now();
            if sent > end {
                return taken;
            }
            session.run(inputs, end + Duration::from_mins(1)).expect("the model runs");
            if sent > begin {
                taken.push(sent.elapsed());
            }
        }
    };
    let taken = std::thread::scope(|scope| {
        let running: Vec<_> = sessions.into_iter().map(|session| scope.spawn(move || one(session))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("the model runs")).collect()
    });
    Measured::of(taken, time)
}
