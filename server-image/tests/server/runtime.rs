//! A model that another program runs: a real server of the Open Inference Protocol, in Python, as the image of
//! `spec.runtime`. Callers notice no difference to the built-in engine.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{Launch, Server, sha256},
};

const IMAGE: &str = "registry.example.com/ml/test@sha256:00";

/// The program. It is killed when the test ends.
struct Program {
    child: Child,
    port: u16,
}

impl Program {
    fn start(file: &Path, port: u16) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtimes/test/server.py");
        let mut child = Command::new("python3")
            .arg(script)
            .env("UNDERSTUDY_MODEL_FILE", file)
            .env("UNDERSTUDY_MODEL_NAME", "weights")
            .env("UNDERSTUDY_PORT", port.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().rsplit(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{line}"));
        Self { child, port }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn weights() -> Value {
    json!({"weights": {"age": 0.5, "amount": 2.0}, "bias": 1.0, "faults": {
        "-1": "exit", "-2": "nonsense", "-3": "late", "-4": "error", "-5": "reject", "-6": "shape", "-7": "huge",
    }})
}

/// A server in front of the program with this model.
fn launch(model: &Value) -> (Program, Launch) {
    launch_for(model, "weights")
}

/// A server that knows the model of the program by this name.
fn launch_for(model: &Value, name: &str) -> (Program, Launch) {
    let text = model.to_string();
    let launch = Launch::artifact("pvc://claim/model.json", &sha256(text.as_bytes()));
    let file = launch.path("claim/model.json");
    std::fs::write(&file, text).unwrap();
    let program = Program::start(&file, 0);
    let port = program.port.to_string();
    let file = file.display().to_string();
    let launch = launch.arguments(&["--runtime-port", &port, "--runtime-model", name]);
    (program, launch.arguments(&["--runtime-file", &file, "--runtime-image", IMAGE]))
}

fn predict(server: &Server, records: &Value) -> Value {
    let body = json!({"records": records}).to_string();
    Connection::open(server.main).post("/predict", body).json()
}

fn request(age: f64) -> String {
    let input =
        |name: &str, value: f64| json!({"name": name, "shape": [1], "datatype": "FP64", "data": [value]});
    json!({"inputs": [input("age", age), input("amount", 0.1)]}).to_string()
}

#[rstest]
fn callers_get_what_the_program_answers(#[values(false, true)] binary: bool) {
    let mut model = weights();
    model["binary"] = json!(binary);
    let (_program, launch) = launch(&model);
    let server = launch.ready();
    let records = json!([{"age": 4, "amount": 0.1}, {"age": 20, "amount": 3}]);
    assert_eq!(
        predict(&server, &records)["predictions"],
        json!([{"score": 3.2, "label": "no"}, {"score": 17.0, "label": "yes"}])
    );
    let outputs = server.outputs(request(4.0));
    assert_eq!(outputs[0]["data"], json!([3.2]));
    assert_eq!(outputs[1]["datatype"], "BYTES");
    // The form, the documentation and the metadata come from the description of the program.
    let metadata = server.get("/v2/models/fraud").json();
    assert_eq!(metadata["inputs"][1], json!({"name": "amount", "datatype": "FP64", "shape": [-1]}));
    assert_eq!(server.get("/").status, 200);
    assert_eq!(server.get("/docs").status, 200);
}

#[test]
fn the_probe_says_which_image_answers_and_which_file_it_has() {
    let model = weights();
    let (_program, launch) = launch(&model);
    let server = launch.ready();
    let answer = server.get("/understudy/v1/probe").json();
    assert_eq!(answer["runtimeImage"], IMAGE);
    assert_eq!(answer["digest"], format!("sha256:{}", sha256(model.to_string().as_bytes())));
    assert_eq!(answer["model"]["bytes"], json!(model.to_string().len()));
}

#[test]
fn a_missing_number_reaches_a_program_that_reads_binary_tensors_and_is_refused_for_another() {
    let body = |server: &Server| {
        let input = |name: &str| json!({"name": name, "shape": [1], "datatype": "FP64", "parameters": {"binary_data_size": 8}});
        let head = json!({"inputs": [input("age"), input("amount")]}).to_string();
        let blobs = [f64::NAN.to_le_bytes(), 1.0_f64.to_le_bytes()].concat();
        let length = head.len().to_string();
        let body = [head.into_bytes(), blobs].concat();
        let headers = [("Inference-Header-Content-Length", length.as_str())];
        Connection::open(server.main).call("POST", "/v2/models/fraud/infer", &headers, &body)
    };
    let mut model = weights();
    let (_json, json_only) = launch(&model);
    let message = body(&json_only.ready()).error(400);
    assert!(message.contains("input `age` has NaN"), "{message}");
    model["binary"] = json!(true);
    let (_binary, both) = launch(&model);
    let outputs = body(&both.ready()).json()["outputs"].clone();
    assert_eq!(outputs[0]["data"], json!([null]), "the score of a missing number is missing");
}

#[rstest]
#[case::nonsense(-2.0, 500, "the answer of the image of spec.runtime: invalid JSON")]
#[case::late(-3.0, 504, "was stopped after 0.5 s")]
#[case::error(-4.0, 500, "the model is broken")]
#[case::reject(-5.0, 400, "age must not be negative")]
#[case::shape(-6.0, 500, "output `score` has 2 elements, but its shape [1] needs 1")]
#[case::huge(-7.0, 500, "is larger than")]
fn a_fault_of_the_program_is_an_error_of_one_call(
    #[case] age: f64,
    #[case] status: u16,
    #[case] expected: &str,
) {
    let (_program, launch) = launch(&weights());
    let server = launch.arguments(&["--max-run", "0.5"]).ready();
    let message = server.infer(request(age)).error(status);
    assert!(message.contains(expected), "{message}");
    assert_eq!(server.infer(request(4.0)).status, 200, "the next call is answered");
}

#[test]
fn a_program_that_dies_takes_the_pod_out_of_service_until_it_is_back() {
    let (mut program, launch) = launch(&weights());
    let mut server = launch.ready();
    let message = server.infer(request(-1.0)).error(503);
    assert!(message.contains("the image of spec.runtime does not answer"), "{message}");
    assert_eq!(program.child.wait().unwrap().code(), Some(3));
    server.logs("the image of spec.runtime is not ready: this pod gets no calls until it is");
    assert_eq!(Connection::open(server.metrics).get("/readyz").status, 503);
    assert_eq!(Connection::open(server.metrics).get("/livez").status, 200);
    assert_eq!(server.get("/v2/health/ready").status, 503);
    server.infer(request(4.0)).error(503);
    let file = server.path("claim/model.json");
    program = Program::start(&file, program.port);
    server.logs("the image of spec.runtime is ready again");
    assert_eq!(Connection::open(server.metrics).get("/readyz").status, 200);
    assert_eq!(server.infer(request(4.0)).status, 200);
    drop(program);
}

#[rstest]
#[case::never_ready(json!({"ready": false}), "RuntimeNotReady", "it answers 503 to GET /v2/models/weights/ready")]
#[case::without_inputs(json!({"weights": {}}), "InvalidRuntime", "it has no inputs; declare them")]
#[case::broken(json!({"faults": {"0": "shape"}}), "InvalidRuntime", "output `score` has 2 elements")]
#[case::nonsense(json!({"faults": {"0": "nonsense"}}), "InvalidRuntime", "expected `{`")]
fn a_program_that_cannot_serve_is_reported_with_a_reason(
    #[case] change: Value,
    #[case] reason: &str,
    #[case] expected: &str,
) {
    let mut model = weights();
    model.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let (_program, launch) = launch(&model);
    let (code, failure) = launch.arguments(&["--load-timeout", "1"]).fails();
    assert_eq!((code, failure["reason"].as_str()), (Some(1), Some(reason)), "{failure}");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_program_that_does_not_listen_is_reported_with_its_port() {
    let (program, launch) = launch(&weights());
    let port = program.port;
    drop(program);
    let (_, failure) = launch.arguments(&["--load-timeout", "1"]).fails();
    assert_eq!(failure["reason"], "RuntimeNotReady");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains(&format!("nothing answers on port {port} of localhost")), "{message}");
}

#[test]
fn a_model_by_another_name_is_reported() {
    let (_program, launch) = launch_for(&weights(), "other");
    let (_, failure) = launch.arguments(&["--load-timeout", "1"]).fails();
    assert_eq!(failure["reason"], "RuntimeNotReady");
    let message = failure["message"].as_str().unwrap();
    assert!(message.contains("it answers 404 to GET /v2/models/other/ready"), "{message}");
}

#[test]
fn the_program_must_reproduce_the_examples_of_the_version() {
    let line = |score: f64| {
        json!({"request": {"records": [{"age": 4, "amount": 0.1}]},
            "response": {"predictions": [{"score": score, "label": "no"}]}})
        .to_string()
    };
    let with = |score: f64| {
        let (program, launch) = launch(&weights());
        let line = line(score);
        std::fs::write(launch.path("claim/examples.jsonl"), &line).unwrap();
        let claim = launch.path("claim").display().to_string();
        let launch = launch.arguments(&[
            "--examples",
            "pvc://claim/examples.jsonl",
            "--examples-sha256",
            &sha256(line.as_bytes()),
            "--examples-pvc-dir",
            &claim,
        ]);
        (program, launch)
    };
    let (_program, launch) = with(3.2);
    let server = launch.ready();
    assert_eq!(server.get("/understudy/v1/probe").json()["proof"], json!({"by": "examples", "count": 1}));
    let (_program, launch) = with(3.3);
    assert_eq!(launch.fails().1["reason"], "ExamplesDiffer");
}

#[test]
fn many_callers_share_runs_of_the_program_and_each_gets_its_own_answer() {
    let (_program, launch) = launch(&weights());
    let server = launch.ready();
    std::thread::scope(|scope| {
        for caller in 0..16 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = Connection::open(server.main);
                for call in 0..20 {
                    let age = f64::from(caller * 100 + call);
                    let response = connection.post("/v2/models/fraud/infer", request(age));
                    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
                    let score = response.json()["outputs"][0]["data"][0].as_f64().unwrap();
                    assert!((score - (age * 0.5 + 1.2)).abs() < 1e-9, "{age}: {score}");
                }
            });
        }
    });
}

#[test]
fn the_artifact_is_fetched_into_a_file_after_its_digest_is_checked() {
    let launch = Launch::artifact("pvc://claim/model.zip", &sha256(b"a model"));
    std::fs::write(launch.path("claim/model.zip"), b"a model").unwrap();
    let target = launch.path("work/model.zip").display().to_string();
    let (code, file) = launch.arguments(&["--fetch-to", &target]).ends(&target);
    assert_eq!((code, file.as_slice()), (Some(0), &b"a model"[..]));
}

#[test]
fn another_file_than_the_pinned_one_is_not_handed_to_a_program() {
    let launch = Launch::artifact("pvc://claim/model.zip", &sha256(b"a model"));
    std::fs::write(launch.path("claim/model.zip"), b"another model").unwrap();
    let target = launch.path("work/model.zip").display().to_string();
    let (code, failure) = launch.arguments(&["--fetch-to", &target]).fails();
    assert_eq!((code, failure["reason"].as_str()), (Some(1), Some("DigestMismatch")));
}
