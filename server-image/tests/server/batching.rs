//! Requests that wait share a run of the model, and nobody can tell.

use serde_json::json;

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server},
};

const CALLERS: u16 = 16;
/// Rounds of calls. In each of them, all callers call at the same time.
const ROUNDS: usize = 1_000;
/// Two threads of a run wait for each other, which on a busy machine takes longer than the run.
const ALONE: [&str; 4] = ["--sessions", "1", "--intra-op-threads", "1"];

/// Sends a request for each number at the same time, and returns the answers in their order.
fn answers(server: &Server) -> Vec<f64> {
    let mut callers: Vec<_> = (0..CALLERS).map(|_| Connection::open(server.main)).collect();
    for (number, caller) in callers.iter_mut().enumerate() {
        let body = json!({"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [number]}]});
        caller.send("POST", INFER, &[], body.to_string().as_bytes());
    }
    let answer = |caller: &mut Connection| {
        let response = caller.receive();
        assert_eq!(response.status, 200);
        response.json()["outputs"][0]["data"][0].as_f64().unwrap()
    };
    callers.iter_mut().map(answer).collect()
}

/// Runs of the model, and requests that were answered.
fn counts(server: &Server) -> (u64, u64) {
    (server.metric("nv_inference_exec_count"), server.metric("nv_inference_request_success"))
}

/// Calls the model until requests have shared a run.
fn await_shared_run(model: &str) {
    let mut server = Launch::of(model).arguments(&ALONE).listening();
    let choice = server.logs("runs share the processors");
    assert!(choice["batch_rows"].as_u64() > Some(1), "requests can share a run: {choice}");
    server.logs("ready");
    for _ in 0..ROUNDS {
        for (number, answer) in (0..CALLERS).zip(answers(&server)) {
            assert!((answer - f64::from(number)).abs() < 1e-3, "{answer} for {number}");
        }
        let (runs, requests) = counts(&server);
        if runs < requests {
            return;
        }
    }
    panic!("no requests shared a run in {ROUNDS} rounds");
}

#[test]
fn requests_that_wait_share_a_run_and_each_gets_its_own_answer() {
    await_shared_run("heavy.onnx");
}

#[test]
fn requests_to_a_light_model_share_a_run_if_they_arrive_during_another_one() {
    await_shared_run("light.onnx");
}

/// Calls a model that answers each row minus the mean of its own run.
fn ensure_no_shared_run(model: &str) {
    let server = Launch::of(model).arguments(&ALONE).ready();
    for _ in 0..4 {
        assert!(answers(&server).into_iter().all(|answer| answer.abs() < 1e-3));
    }
    let (runs, requests) = counts(&server);
    assert_eq!((runs, requests), (4 * u64::from(CALLERS), 4 * u64::from(CALLERS)));
}

#[test]
fn requests_to_a_model_whose_rows_depend_on_each_other_do_not_share_a_run() {
    ensure_no_shared_run("heavy_mean.onnx");
    ensure_no_shared_run("light_mean.onnx");
}

#[test]
fn with_no_batching_each_request_has_a_run_of_its_own() {
    let server = Launch::of("heavy.onnx").arguments(&["--sessions", "1", "--no-batching"]).ready();
    (0..4).for_each(|_| drop(answers(&server)));
    let (runs, requests) = counts(&server);
    assert_eq!((runs, requests), (4 * u64::from(CALLERS), 4 * u64::from(CALLERS)));
}
