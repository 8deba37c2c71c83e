//! How runs share the processors.

use crate::harness::{Launch, Server};

fn started(arguments: &[&str]) -> (Server, u64, u64) {
    let mut server = Launch::of("matrix.onnx").arguments(arguments).listening();
    let line = server.logs("runs share the processors");
    server.logs("ready");
    let count = |name: &str| line[name].as_u64().unwrap();
    let counts = (count("sessions"), count("intra_op_threads"));
    (server, counts.0, counts.1)
}

#[test]
fn a_small_fast_model_has_a_session_of_one_thread_for_each_processor() {
    let processors = std::thread::available_parallelism().unwrap().get() as u64;
    let (_, sessions, threads) = started(&[]);
    assert_eq!((sessions, threads), (processors, 1));
}

#[test]
fn the_arguments_decide() {
    let (one, ..) = started(&["--sessions", "2", "--intra-op-threads", "1"]);
    let (other, sessions, threads) = started(&["--sessions", "2", "--intra-op-threads", "33"]);
    assert_eq!((sessions, threads), (2, 33));
    // The thread that calls a session is one of those of its runs. Up to 8 others read files, and end later.
    assert!(other.threads() - one.threads() > 2 * 32 - 8);
}
