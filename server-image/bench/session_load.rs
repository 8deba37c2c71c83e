//! The time that ONNX Runtime alone needs to load a model: its library, and as many sessions as the server has.

use std::{path::Path, time::Instant};

use ort::session::{Session, builder::GraphOptimizationLevel};
use understudy_server::load;

use crate::{SESSION_LOAD, case::Case, options, pin::Pin};

/// Milliseconds, in a process of its own.
pub fn run(case: &Case, sessions: usize, pin: &Pin) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = pin.server(program);
    command.arg(SESSION_LOAD).arg(&case.file).arg(sessions.to_string());
    let output = command.output().expect("this program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints a time")
}

/// This program in that process: opens the sessions at the same time, as the server does.
pub fn child(file: &str, sessions: &str) {
    let sessions: usize = sessions.parse().expect("a number of sessions");
    let begin = Instant::now();
    let environment = load::environment(&options::onnxruntime()).expect("ONNX Runtime loads");
    let open = || {
        Session::builder(&environment)
            .and_then(|builder| Ok(builder.with_optimization_level(GraphOptimizationLevel::All)?))
            .and_then(|builder| Ok(builder.with_intra_threads(1)?))
            .and_then(|mut builder| builder.commit_from_file(Path::new(file)))
            .expect("the model loads")
    };
    let load_ms = std::thread::scope(|scope| {
        let loads: Vec<_> = (0..sessions).map(|_| scope.spawn(open)).collect();
        let _open: Vec<_> =
            loads.into_iter().map(|load| load.join().expect("loading does not panic")).collect();
        begin.elapsed().as_secs_f64() * 1e3
    });
    println!("{load_ms}");
}
