//! A call of many rows counts as many rows in the comparison and in drift.

use serde_json::{Value, json};

use crate::{
    client::Connection,
    harness::{INFER, Server, digest_of},
    mirror::{challenger, compared, main_with},
};

/// A call of `rows` rows. Row `n` has the numbers `n`, `n + 1` and `n + 2`.
fn call(server: &Server, rows: u16) {
    let numbers = (0..rows).flat_map(|row| [0.0, 1.0, 2.0].map(|column| f32::from(row) + column));
    let data: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
    let head = json!({"inputs": [{"name": "x", "shape": [rows, 3], "datatype": "FP32",
        "parameters": {"binary_data_size": data.len()}}]})
    .to_string();
    let header = [("Inference-Header-Content-Length", &*head.len().to_string())];
    let body = [head.as_bytes(), &data].concat();
    assert_eq!(Connection::open(server.main).call("POST", INFER, &header, &body).status, 200);
}

/// Main with a challenger that answers.
fn with(challenger: &Server) -> Server {
    main_with(challenger.challenger, &digest_of("matrix.onnx"), &json!({"timeoutMillis": 30_000}))
}

/// The sums over the pairs of numbers of the first output.
fn moments(summary: &Value) -> &Value {
    &summary["comparison"]["outputs"][0]["moments"]
}

#[test]
fn a_call_of_a_hundred_rows_is_a_hundred_pairs_and_one_call() {
    let challenger = challenger();
    let main = with(&challenger);
    call(&main, 100);
    call(&main, 1);
    let summary = compared(&main, 101);
    assert_eq!(summary["comparison"]["ofMain"]["calls"], 2, "{summary}");
    assert_eq!(summary["comparison"]["ofChallenger"]["calls"], 2, "{summary}");
    assert_eq!(moments(&summary)["n"], 303, "three numbers in each row: {summary}");
    assert_eq!(main.metric("understudy_comparison_pairs"), 101);
    assert_eq!(main.metric("understudy_analysis_rows_left_out_total"), 0);
}

/// Protects the calls after a huge one: the analysis of one call does a bounded amount of work.
#[test]
fn of_a_huge_call_ten_thousand_rows_are_compared_and_the_others_are_counted() {
    let challenger = challenger();
    let main = with(&challenger);
    call(&main, 60_000);
    let summary = compared(&main, 10_000);
    assert_eq!(moments(&summary)["n"], 30_000, "{summary}");
    // Row `n` is about `n`: rows from one part of the call would have another mean.
    let mean = moments(&summary)["meanX"].as_f64().unwrap();
    assert!((mean - 30_000.5).abs() < 10.0, "the rows are spread evenly: {summary}");
    assert_eq!(main.metric("understudy_analysis_rows_left_out_total"), 50_000);
}
