//! What a pod reports about its calls: drift from the baseline, and outcomes.

use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server, sha256},
};

fn baseline(columns: &Value) -> String {
    json!({"version": 1, "columns": columns}).to_string()
}

/// A server with this baseline.
fn with_baseline(model: &str, text: &str) -> Launch {
    let launch = Launch::of(model);
    std::fs::write(launch.path("claim/baseline.json"), text).unwrap();
    let claim = launch.path("claim").to_str().unwrap().to_owned();
    let arguments =
        ["--baseline", "pvc://claim/baseline.json", "--baseline-sha256", &sha256(text.as_bytes())];
    launch.arguments(&arguments).arguments(&["--baseline-pvc-dir", &claim])
}

fn age() -> Value {
    json!([{"role": "input", "name": "age", "kind": "numeric", "edges": [0, 50, 100], "counts": [50, 50], "missing": 0}])
}

fn summary(server: &Server) -> Value {
    Connection::open(server.metrics).get("/understudy/v1/summary").json()
}

/// Predicts for these ages, and waits until they are counted. Returns the drift of the first column.
fn predict(server: &Server, ages: &[u32]) -> Value {
    drift_after(server, ages, ages.len() as u64)
}

/// Predicts for these ages, and waits until `count` of them are counted. Returns the drift of the first column.
fn drift_after(server: &Server, ages: &[u32], count: u64) -> Value {
    let records: Vec<_> = ages.iter().map(|age| json!({"age": age, "country": "NL"})).collect();
    let body = json!({ "records": records }).to_string();
    assert_eq!(Connection::open(server.main).post("/predict", body).status, 200);
    loop {
        let drift = summary(server)["drift"]["columns"][0].clone();
        let seen: u64 =
            drift["observed"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
        if seen == count {
            return drift;
        }
        std::thread::yield_now();
    }
}

#[test]
fn inputs_are_counted_in_the_bins_of_the_training_data() {
    let server = with_baseline("columns.onnx", &baseline(&age())).ready();
    let seen = predict(&server, &[10, 20, 60, 120]);
    assert_eq!((&seen["observed"], &seen["above"]), (&json!([2, 2]), &json!(1)), "{seen}");
    assert_eq!(server.metric("understudy_drift_samples"), 4);
}

/// Protects the calls after a huge one: the analysis of one call does a bounded amount of work.
#[test]
fn of_a_huge_call_ten_thousand_rows_are_counted_in_drift_and_they_are_spread_evenly() {
    let server = with_baseline("columns.onnx", &baseline(&age())).ready();
    // Every other row is in the first bin. A sample of every second or tenth row would have one bin only.
    let ages: Vec<u32> = (0..40_000).map(|row| if row % 2 == 0 { 10 } else { 60 }).collect();
    let seen = drift_after(&server, &ages, 10_000);
    let first = seen["observed"][0].as_u64().unwrap();
    assert!((4_800..5_200).contains(&first), "{seen}");
    assert_eq!(server.metric("understudy_drift_samples"), 10_000);
    assert_eq!(server.metric("understudy_analysis_rows_left_out_total"), 30_000);
}

#[test]
fn a_pod_without_a_baseline_reports_no_drift() {
    let server = Server::start("columns.onnx");
    assert_eq!(summary(&server)["drift"], Value::Null);
}

#[test]
fn a_server_does_not_start_with_a_damaged_baseline_or_one_of_another_model() {
    let mut other = age();
    other[0]["name"] = json!("shoe_size");
    for (text, expected) in [
        (baseline(&other), "the baseline has the input `shoe_size`, which the model does not have"),
        ("{".to_owned(), "pvc://claim/baseline.json: "),
    ] {
        let (code, left) = with_baseline("columns.onnx", &text).fails();
        assert_eq!((code, &left["reason"]), (Some(1), &json!("InvalidBaseline")));
        assert!(left["message"].as_str().unwrap().contains(expected), "{left}");
    }
    let launch = with_baseline("columns.onnx", &baseline(&age()));
    std::fs::write(launch.path("claim/baseline.json"), "changed later").unwrap();
    assert_eq!(launch.fails().1["reason"], "DigestMismatch");
}

#[test]
fn a_damaged_baseline_fails_before_the_model_is_loaded() {
    let (code, left) = with_baseline("hostile/unknown_operator.onnx", "{").fails();
    assert_eq!((code, &left["reason"]), (Some(1), &json!("InvalidBaseline")));
}

fn outcome(server: &Server, body: &Value) -> crate::client::Response {
    Connection::open(server.main).post("/understudy/v1/outcomes", body.to_string())
}

/// A server that records, with a model whose outputs are labels.
fn recording() -> Server {
    let mut server = Server::start("columns.onnx");
    server.route(r#"{"main":"1.3.0","recording":{"samplePercent":100}}"#);
    server.logs("the role changed");
    server
}

#[test]
fn an_outcome_is_joined_to_its_call_by_the_id_in_the_response() {
    let server = recording();
    let body = r#"{"records":[{"age":42,"country":"NL"}]}"#;
    let response = Connection::open(server.main).post("/predict", body);
    let made = response.header("x-request-id").expect("a recorded call has an id").to_owned();
    let given =
        Connection::open(server.main).call("POST", "/predict", &[("X-Request-Id", "mine")], body.as_bytes());
    assert_eq!(given.header("x-request-id"), Some("mine"));
    let mut joined = Vec::new();
    // The server remembers a call after its response.
    while joined.len() < 2 {
        for (id, label) in [(made.as_str(), "42"), ("mine", "41")] {
            if outcome(&server, &json!({"id": id, "label": label})).json()["joined"] == 1 {
                joined.push(id);
            }
        }
    }
    let outcomes = &summary(&server)["outcomes"];
    // By group of calls: how many rows were right, of how many.
    let right = outcomes["main"].as_array().unwrap().iter().map(|group| group[0].as_u64().unwrap());
    assert_eq!((&outcomes["joined"], right.sum()), (&json!(2), 1), "{outcomes}");
    assert_eq!(
        outcome(&server, &json!({"outcomes": [{"id": "mine", "label": 42}, {"id": "nobody", "label": 1}]}))
            .json(),
        json!({"joined": 0, "unknown": ["mine", "nobody"], "mismatched": []}),
        "each outcome is joined once"
    );
    assert_eq!(server.series("understudy_outcomes_total", "joined"), 2);
}

#[test]
fn outcomes_are_rejected_without_records_or_without_a_label_among_the_outputs() {
    let body = json!({"id": "a", "label": 1});
    let off = Server::start("columns.onnx");
    assert!(outcome(&off, &body).error(400).contains("spec.recording"));
    let mut scores = Server::start("matrix.onnx");
    scores.route(r#"{"main":"1.3.0","recording":{"samplePercent":100}}"#);
    scores.logs("the role changed");
    assert!(outcome(&scores, &body).error(400).contains("no output for outcomes"));
    assert!(outcome(&recording(), &json!({"label": 1})).error(400).starts_with("expected {"));
}

#[test]
fn outcomes_of_a_regression_are_numbers_and_its_errors_are_metrics() {
    let mut server = Server::start("named_vector.onnx");
    server.route(r#"{"main":"1.3.0","recording":{"samplePercent":100}}"#);
    server.logs("the role changed");
    // The score is age + 10 height + 100 weight.
    for (id, truth) in [("a", 320.0), ("b", 323.0), ("c", 321.0)] {
        let body = br#"{"records":[{"age":1,"height":2,"weight":3}]}"#;
        assert_eq!(
            Connection::open(server.main).call("POST", "/predict", &[("X-Request-Id", id)], body).status,
            200
        );
        // The server remembers a call after its response.
        while outcome(&server, &json!({"id": id, "label": truth})).json()["joined"] != 1 {
            std::thread::yield_now();
        }
    }
    let wrong = outcome(&server, &json!({"id": "d", "label": "dear"}));
    assert!(wrong.error(400).contains("outcome `d`: the output `score` has numbers, not the text `dear`"));
    let metrics = String::from_utf8(Connection::open(server.metrics).get("/metrics").body).unwrap();
    for (name, value) in [("mae", 1.0), ("bias", -1.0 / 3.0), ("r2", 1.0 - 5.0 / (14.0 / 3.0))] {
        let name = format!("understudy_outcome_{name}{{");
        let line = metrics.lines().find(|line| line.starts_with(&name) && line.contains("role=\"main\""));
        let found: f64 =
            line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("the metric exists");
        assert!((found - value).abs() < 1e-9, "{name} {found}");
    }
}

#[test]
fn without_records_a_response_has_no_id() {
    let server = Server::start("matrix.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#;
    assert_eq!(Connection::open(server.main).post(INFER, body).header("x-request-id"), None);
}
