//! Graphs that run before the model, joined with it by the names of tensors.

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{Launch, Server, model, sha256},
};

/// A server for a model behind these graphs. Their files are on a claim of their own.
fn launch(graphs: &[&str], behind: &str) -> Launch {
    let launch = Launch::of(behind);
    let claim = launch.path("graphs");
    std::fs::create_dir(&claim).unwrap();
    let listed: Vec<Value> = graphs
        .iter()
        .map(|name| {
            let file = model(name).file_name().unwrap().to_owned();
            let bytes = std::fs::read(model(name)).unwrap();
            std::fs::write(claim.join(&file), &bytes).unwrap();
            let uri = format!("pvc://graphs/{}", file.display());
            json!({"uri": uri, "sha256": sha256(&bytes), "pvcDir": claim})
        })
        .collect();
    launch.arguments(&["--preprocessing", &Value::from(listed).to_string()])
}

const ENCODE: &str = "preprocessing/encode.onnx";
const SCALE: &str = "preprocessing/scale.onnx";
const WEIGH: &str = "preprocessing/weigh.onnx";

fn predict(server: &Server, records: &Value) -> Value {
    let body = json!({"records": records}).to_string();
    Connection::open(server.main).post("/predict", body).json()["predictions"].clone()
}

#[test]
fn records_go_through_the_graph_into_the_model() {
    let server = launch(&[ENCODE], WEIGH).ready();
    let records =
        json!([{"age": 42, "country": "NL"}, {"age": 7, "country": "DE"}, {"age": 1, "country": "FR"}]);
    assert_eq!(predict(&server, &records), json!([{"score": 421.0}, {"score": 72.0}, {"score": 10.0}]));
}

#[test]
fn callers_see_the_inputs_that_no_graph_produces_and_the_outputs_of_the_model() {
    let server = launch(&[ENCODE, SCALE], "preprocessing/weigh_scaled.onnx").ready();
    let metadata = server.get("/v2/models/fraud").json();
    let names = |ports: &str| -> Vec<_> {
        metadata[ports].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect()
    };
    assert_eq!(names("inputs"), ["age", "country", "unit"]);
    assert_eq!(names("outputs"), ["score"]);
    let records = json!([{"age": 42, "country": "NL", "unit": 0.5}]);
    assert_eq!(predict(&server, &records), json!([{"score": 210.5}]));
}

#[test]
fn the_files_of_the_graphs_are_removed_once_they_are_loaded() {
    let server = launch(&[ENCODE], WEIGH).ready();
    assert!(!server.path("work/preprocessing-0.onnx").exists());
}

#[test]
fn examples_are_requests_of_callers() {
    let launch = launch(&[ENCODE], WEIGH);
    let line =
        r#"{"request":{"records":[{"age":42,"country":"NL"}]},"response":{"predictions":[{"score":421}]}}"#;
    std::fs::write(launch.path("graphs/examples.jsonl"), line).unwrap();
    let claim = launch.path("graphs").display().to_string();
    let server = launch
        .arguments(&[
            "--examples",
            "pvc://graphs/examples.jsonl",
            "--examples-sha256",
            &sha256(line.as_bytes()),
        ])
        .arguments(&["--examples-pvc-dir", &claim])
        .ready();
    assert_eq!(server.get("/understudy/v1/probe").json()["proof"], json!({"by": "examples", "count": 1}));
}

#[test]
fn a_graph_that_takes_too_long_is_stopped_and_the_next_request_is_served() {
    let arguments = ["--sessions", "1", "--max-run", "0.2"];
    let server = launch(&["slow.onnx"], "preprocessing/after_slow.onnx").arguments(&arguments).ready();
    let rounds = |rounds: u32| {
        json!({"inputs": [{"name": "rounds", "shape": [1], "datatype": "INT64", "data": [rounds]}]})
            .to_string()
    };
    let message = server.infer(rounds(1_000_000_000)).error(504);
    assert!(message.contains("was stopped after 0.2 s"), "{message}");
    assert_eq!(server.infer(rounds(1)).status, 200);
}

#[rstest]
#[case::another_shape(
    &[ENCODE], "preprocessing/weigh_three.onnx", "InvalidModel",
    "the model: input `features` is FP32 [-1,3], but the output of preprocessing[0] with this name is FP32 [-1,2]"
)]
#[case::outputs_that_nobody_takes(
    &["columns.onnx"], WEIGH, "InvalidModel",
    "preprocessing[0]: no later graph has an input with the name of one of its outputs, which are `years`, `home`"
)]
#[case::twice(
    &[ENCODE, ENCODE], WEIGH, "InvalidModel",
    "preprocessing[1]: output `features` is also an output of preprocessing[0]"
)]
#[case::not_a_tensor(
    &["zipmap_strings.onnx"], WEIGH, "InvalidModel", "preprocessing[0]: no later graph has an input"
)]
#[case::hostile(
    &["hostile/external_parent.onnx"], WEIGH, "InvalidModel", "preprocessing[0]: tensor"
)]
fn what_does_not_fit_is_found_at_load(
    #[case] graphs: &[&str],
    #[case] behind: &str,
    #[case] reason: &str,
    #[case] expected: &str,
) {
    let (code, failure) = launch(graphs, behind).fails();
    assert_eq!((code, failure["reason"].as_str()), (Some(1), Some(reason)), "{failure}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn another_file_than_the_pinned_one_is_refused_by_its_place() {
    let launch = launch(&[ENCODE], WEIGH);
    std::fs::copy(model(SCALE), launch.path("graphs/encode.onnx")).unwrap();
    let (_, failure) = launch.fails();
    assert_eq!(failure["reason"], "DigestMismatch");
    let message = failure["message"].as_str().unwrap();
    assert!(message.starts_with("preprocessing[0]: "), "{message}");
}
