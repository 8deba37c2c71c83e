//! Main encodes JSON for its callers, the challenger binary tensors for main. Their latencies end with the inference,
//! before the response is encoded, so they can be compared.

use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server, digest_of},
};

/// A response of 150,000 numbers: on any machine its encoding takes much longer than a few microseconds.
const ROWS: usize = 50_000;

fn body() -> String {
    let data = vec!["1"; 3 * ROWS].join(",");
    format!(r#"{{"inputs":[{{"name":"x","shape":[{ROWS},3],"datatype":"FP32","data":[{data}]}}]}}"#)
}

/// Microseconds from the end of the body to the end of the inference, over all successful requests of a server.
fn until_inferred(server: &Server) -> u64 {
    ["queue", "compute_input", "compute_infer"]
        .map(|step| server.metric(&format!("nv_inference_{step}_duration_us")))
        .iter()
        .sum()
}

/// The fractions of three metrics are cut off, so their sum may be up to 3 us too low.
fn assert_latency(found: &Value, server: &Server) {
    let (found, expected) = (found.as_u64().unwrap(), until_inferred(server));
    assert!((expected..=expected + 3).contains(&found), "{found} us, expected {expected} us");
}

#[test]
fn the_latencies_of_main_and_challenger_end_with_the_inference() {
    let challenger = Launch::of("matrix.onnx").arguments(&["--version", "1.4.0"]).ready();
    let mut main = Server::start("matrix.onnx");
    let url = format!("http://{}", challenger.challenger);
    let routing = json!({
        "main": "1.3.0",
        "challenger": {"version": "1.4.0", "digest": digest_of("matrix.onnx"), "url": url,
            "samplePercent": 100, "timeoutMillis": 30_000},
        "recording": {"samplePercent": 100},
    });
    main.route(&routing.to_string());
    main.logs("the role changed");
    assert_eq!(main.infer(body()).status, 200);
    let row: Value = loop {
        let records = Connection::open(main.metrics).get("/understudy/v1/records");
        if !records.body.is_empty() {
            break records.json();
        }
        std::thread::yield_now();
    };
    assert_latency(&row["main_latency_us"], &main);
    assert_latency(&row["challenger_latency_us"], &challenger);
}

#[test]
fn the_latency_that_the_challenger_port_reports_ends_with_the_inference() {
    let server = Server::start("matrix.onnx");
    let response = Connection::open(server.challenger).post(INFER, body());
    let reported: u64 = response.header("understudy-latency-us").unwrap().parse().unwrap();
    assert_latency(&json!(reported), &server);
}
