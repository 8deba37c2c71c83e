//! A model that fails on every synthetic input is served, and says so until it has answered a call.

use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server},
};

const PROBE: &str = "/understudy/v1/probe";

fn body(x: i64) -> String {
    format!(r#"{{"inputs":[{{"name":"x","shape":[1],"datatype":"INT64","data":[{x}]}}]}}"#)
}

/// What the pod reports, after a probe that succeeds.
fn proof(server: &Server) -> Value {
    let response = server.get(PROBE);
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    response.json()["proof"].clone()
}

#[test]
fn a_model_that_fails_on_every_synthetic_input_is_ready_and_reports_that_nothing_is_proven() {
    let server = Server::start("minus_seven.onnx");
    let proof = proof(&server);
    assert_eq!(proof["by"], "missing");
    assert!(proof["error"].as_str().unwrap().contains("Gather"), "{proof}");
    assert_eq!(Connection::open(server.metrics).get("/readyz").status, 200);
}

#[test]
fn a_call_that_the_model_answers_is_a_proof() {
    let server = Server::start("minus_seven.onnx");
    assert_eq!(server.outputs(body(-7))[0]["data"], json!([2.5]));
    assert_eq!(proof(&server), json!({"by": "call"}));
}

#[test]
fn a_call_to_the_versions_own_port_is_a_proof() {
    let server = Server::start("minus_seven.onnx");
    assert_eq!(Connection::open(server.direct).post(INFER, body(-7)).status, 200);
    assert_eq!(proof(&server), json!({"by": "call"}));
}

#[test]
fn calls_that_fail_and_empty_calls_prove_nothing() {
    let server = Server::start("minus_seven.onnx");
    assert_ne!(server.infer(body(0)).status, 200);
    let empty = r#"{"inputs":[{"name":"x","shape":[0],"datatype":"INT64","data":[]}]}"#;
    assert_eq!(server.infer(empty).status, 200);
    for _ in 0..3 {
        assert_eq!(proof(&server)["by"], "missing", "a probe is not a call");
    }
}

#[test]
fn the_proof_of_a_pod_ends_with_it() {
    let server = Server::start("minus_seven.onnx");
    server.outputs(body(-7));
    assert_eq!(proof(&server)["by"], "call");
    drop(server);
    assert_eq!(proof(&Server::start("minus_seven.onnx"))["by"], "missing");
}

#[test]
fn too_little_memory_and_an_endless_first_run_are_failures_as_before() {
    for model in ["hostile/constant_of_shape_bomb.onnx", "hostile/endless_loop.onnx"] {
        let limits = ["--memory-limit", "1000000000", "--load-timeout", "3"];
        let (_, left) = Launch::of(model).arguments(&limits).fails();
        assert_eq!(left["reason"], "WarmUpFailed", "{left}");
    }
}
