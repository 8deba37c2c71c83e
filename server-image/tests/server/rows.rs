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

/// How many pairs of numbers of the first column are counted, and the mean of main's. They are in groups of calls.
#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn pairs(summary: &Value) -> (u64, f64) {
    let output = &summary["comparison"]["outputs"][0];
    assert_eq!(output["name"], "y[0]", "{summary}");
    let groups = output["numbers"].as_array().unwrap().iter();
    let groups = groups.map(|group| (group[0].as_u64().unwrap(), group[1].as_f64().unwrap()));
    groups.fold((0, 0.0), |(pairs, mean), (n, of_group)| {
        let all = pairs + n;
        (all, mean + (of_group - mean) * n as f64 / all.max(1) as f64)
    })
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
    assert_eq!(pairs(&summary).0, 101, "one number in each row: {summary}");
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
    let (pairs, mean) = pairs(&summary);
    assert_eq!(pairs, 10_000, "{summary}");
    // Row `n` is about `n`: rows from one part of the call would have another mean.
    assert!((mean - 30_000.0).abs() < 10.0, "the rows are spread evenly: {summary}");
    assert_eq!(main.metric("understudy_analysis_rows_left_out_total"), 50_000);
}
