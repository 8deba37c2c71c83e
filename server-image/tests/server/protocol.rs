//! What a client of the Open Inference Protocol may rely on.

use std::io::{Read, Write};

use flate2::Compression;
use rstest::{fixture, rstest};
use serde_json::json;

use crate::{
    client::Connection,
    harness::{INFER, Launch, MODEL, Server},
};

#[fixture]
fn difference() -> Server {
    Server::start("difference.onnx")
}

#[rstest]
fn health_and_metadata_follow_the_protocol(difference: Server) {
    assert_eq!(difference.get("/v2/health/live").json(), json!({"live": true}));
    assert_eq!(difference.get("/v2/health/ready").json(), json!({"live": true, "ready": true}));
    assert_eq!(difference.get("/v2/").json()["extensions"][0], "binary_tensor_data");
    assert_eq!(difference.get("/v2/models").json(), json!({"models": ["fraud"]}));
    assert_eq!(difference.get(&format!("{MODEL}/ready")).json(), json!({"name": "fraud", "ready": true}));
    let metadata = json!({
        "name": "fraud", "versions": ["1.3.0"], "platform": "onnx_onnxv1",
        "inputs": [{"name": "left", "datatype": "FP32", "shape": [-1, 2]},
                   {"name": "right", "datatype": "FP32", "shape": [-1, 2]}],
        "outputs": [{"name": "difference", "datatype": "FP32", "shape": [-1, 2]},
                    {"name": "product", "datatype": "FP32", "shape": [-1, 2]}],
    });
    for path in ["", "/", "/versions/1.3.0"] {
        assert_eq!(difference.get(&format!("{MODEL}{path}")).json(), metadata, "{path}");
    }
}

#[rstest]
fn triton_clients_find_the_configuration_and_the_index(difference: Server) {
    let config = difference.get(&format!("{MODEL}/config")).json();
    assert_eq!(config["input"][1], json!({"name": "right", "data_type": "TYPE_FP32", "dims": [-1, 2]}));
    assert_eq!((&config["name"], &config["max_batch_size"]), (&json!("fraud"), &json!(0)));
    let mut client = Connection::open(difference.main);
    let index = json!([{"name": "fraud", "version": "1.3.0", "state": "READY", "reason": ""}]);
    for body in ["", "{}", r#"{"ready":true}"#] {
        assert_eq!(client.post("/v2/repository/index", body).json(), index);
    }
    let refusal = client.post("/v2/repository/models/fraud/unload", "").error(501);
    assert!(refusal.contains("ModelVersion"), "{refusal}");
}

#[rstest]
fn another_model_or_version_is_not_found(difference: Server) {
    assert!(difference.get("/v2/models/froud").error(404).contains("`froud`"));
    assert!(difference.get(&format!("{MODEL}/versions/1.2.0/ready")).error(404).contains("`1.2.0`"));
    let response = difference.get(INFER);
    assert_eq!(response.header("allow"), Some("POST"));
    response.error(405);
}

const TWO_ROWS: &str = r#"{"id":"a \"b\"","inputs":[
    {"name":"left","shape":[2,2],"datatype":"FP32","data":[10,20,30,40]},
    {"name":"right","shape":[2,2],"datatype":"FP32","data":[1,2,3,5]}]}"#;

#[rstest]
fn inputs_and_outputs_keep_their_names_and_rows(difference: Server) {
    let expected = json!({
        "model_name": "fraud", "model_version": "1.3.0", "id": "a \"b\"",
        "outputs": [
            {"name": "difference", "datatype": "FP32", "shape": [2, 2], "data": [9.0, 18.0, 27.0, 35.0]},
            {"name": "product", "datatype": "FP32", "shape": [2, 2], "data": [10.0, 40.0, 90.0, 200.0]},
        ],
    });
    assert_eq!(difference.infer(TWO_ROWS).json(), expected);
    // Inputs and fields may have any order, data may be nested, and the path may name the version.
    let other = r#"{"inputs":[
        {"data":[[1,2],[3,5]],"datatype":"FP32","shape":[2,2],"name":"right"},
        {"shape":[2,2],"data":[[10,20],[30,40]],"parameters":{"anything":[1,{"x":null}]},"name":"left","datatype":"FP32"}],
        "id":"a \"b\"","parameters":{"sequence":false}}"#;
    let mut connection = Connection::open(difference.direct);
    assert_eq!(connection.post("/v2/models/fraud/versions/1.3.0/infer", other).json(), expected);
}

fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[rstest]
fn binary_and_json_tensors_may_be_mixed(difference: Server) {
    let header = r#"{"inputs":[
        {"name":"left","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}},
        {"name":"right","shape":[1,2],"datatype":"FP32","data":[1.0,2.5]}],
        "outputs":[{"name":"product","parameters":{"binary_data":true}},{"name":"difference"}]}"#;
    let body = [header.as_bytes(), &floats(&[4.0, 6.0])].concat();
    let length = header.len().to_string();
    let mut connection = Connection::open(difference.main);
    let response = connection.call("POST", INFER, &[("Inference-Header-Content-Length", &length)], &body);
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    let json_length = response.header("inference-header-content-length").unwrap().parse().unwrap();
    let (json, blob) = response.body.split_at(json_length);
    let json: serde_json::Value = serde_json::from_slice(json).unwrap();
    assert_eq!(
        json["outputs"],
        json!([
            {"name": "product", "datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": 8}},
            {"name": "difference", "datatype": "FP32", "shape": [1, 2], "data": [3.0, 3.5]},
        ])
    );
    assert_eq!(blob, floats(&[4.0, 15.0]));
}

#[rstest]
fn both_binary_tensors_keep_their_order(difference: Server) {
    // As tritonclient sends it by default. The spaces move the blobs to every alignment.
    for padding in 0..4 {
        let header = format!(
            r#"{{"inputs":[
            {{"name":"right","shape":[1,2],"datatype":"FP32","parameters":{{"binary_data_size":8}}}},
            {{"name":"left","shape":[1,2],"datatype":"FP32","parameters":{{"binary_data_size":8}}}}],
            "parameters":{{"binary_data_output":true}}}}{}"#,
            " ".repeat(padding)
        );
        let body = [header.as_bytes(), &floats(&[1.0, 2.0, 10.0, 20.0])].concat();
        let length = header.len().to_string();
        let mut connection = Connection::open(difference.main);
        let response = connection.call("POST", INFER, &[("Inference-Header-Content-Length", &length)], &body);
        let json_length: usize = response.header("inference-header-content-length").unwrap().parse().unwrap();
        assert_eq!(&response.body[json_length..], floats(&[9.0, 18.0, 10.0, 40.0]), "padding {padding}");
    }
}

#[test]
fn a_raw_body_is_the_only_input() {
    let server = Server::start("matrix.onnx");
    let rows = floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let mut connection = Connection::open(server.main);
    let raw: &[(&str, &str)] = &[("Inference-Header-Content-Length", "0")];
    let response = connection.call("POST", INFER, raw, &rows);
    let json_length: usize = response.header("inference-header-content-length").unwrap().parse().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&response.body[..json_length]).unwrap();
    assert_eq!(json["outputs"][0]["shape"], json!([2, 3]));
    assert_eq!(response.body[json_length..], rows);
    assert!(connection.call("POST", INFER, raw, &rows[..20]).error(400).contains("[-1,3]"));
}

#[rstest]
#[case::gzip("gzip")]
#[case::deflate("deflate")]
fn bodies_are_compressed_both_ways(#[case] coding: &str) {
    let server = Server::start("matrix.onnx");
    let numbers = vec!["0.5"; 3000].join(",");
    let body =
        format!(r#"{{"inputs":[{{"name":"x","shape":[1000,3],"datatype":"FP32","data":[{numbers}]}}]}}"#);
    let mut small = Vec::new();
    match coding {
        "gzip" => flate2::read::GzEncoder::new(body.as_bytes(), Compression::fast()).read_to_end(&mut small),
        _ => flate2::read::ZlibEncoder::new(body.as_bytes(), Compression::fast()).read_to_end(&mut small),
    }
    .unwrap();
    let headers = [("Content-Encoding", coding), ("Accept-Encoding", coding)];
    let response = Connection::open(server.main).call("POST", INFER, &headers, &small);
    assert_eq!(response.header("content-encoding"), Some(coding));
    assert!(response.body.len() < body.len() / 4);
    let mut plain = Vec::new();
    match coding {
        "gzip" => flate2::write::GzDecoder::new(&mut plain).write_all(&response.body),
        _ => flate2::write::ZlibDecoder::new(&mut plain).write_all(&response.body),
    }
    .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(json["outputs"][0]["data"].as_array().unwrap().len(), 3000);
    // Without Accept-Encoding, the response is not compressed.
    let response = Connection::open(server.main).post(INFER, &body);
    assert_eq!(response.header("content-encoding"), None);
}

#[rstest]
#[case::no_json("{", "invalid JSON at byte 1")]
#[case::trailing(r#"{"inputs":[]} x"#, "trailing bytes")]
#[case::nothing("", "invalid JSON at byte 0")]
#[case::no_data(
    r#"{"inputs":[{"name":"left","shape":[1,2],"datatype":"FP32"}]}"#,
    "input `left` has no `data`"
)]
#[case::no_blob(
    r#"{"inputs":[{"name":"left","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}"#,
    "only 0 bytes are left"
)]
fn the_message_for_a_bad_request_names_the_mistake(
    difference: Server,
    #[case] body: &str,
    #[case] expected: &str,
) {
    let message = difference.infer(body).error(400);
    assert!(message.contains(expected), "{message}");
}

#[rstest]
#[case::header_too_long("1000", "the body has 2 bytes")]
#[case::header_no_number("two", "not a number")]
#[case::trailing_blob("1", "invalid JSON")]
fn a_wrong_length_of_the_json_is_rejected(difference: Server, #[case] length: &str, #[case] expected: &str) {
    let mut connection = Connection::open(difference.main);
    let response = connection.call("POST", INFER, &[("Inference-Header-Content-Length", length)], b"{}");
    let message = response.error(400);
    assert!(message.contains(expected), "{message}");
}

#[rstest]
#[case::without_names("difference.onnx", "product", 2, json!(["3.000000:1", "-2.000000:0"]))]
#[case::more_than_there_are("difference.onnx", "product", 9, json!(["3.000000:1", "-2.000000:0"]))]
#[case::the_best_one("difference.onnx", "product", 1, json!(["3.000000:1"]))]
fn the_best_classes_of_each_row_are_returned_with_their_positions(
    #[case] model: &str,
    #[case] output: &str,
    #[case] count: usize,
    #[case] row: serde_json::Value,
) {
    let server = Server::start(model);
    let body = format!(
        r#"{{"inputs":[{{"name":"left","shape":[2,2],"datatype":"FP32","data":[-1,1,-1,1]}},
            {{"name":"right","shape":[2,2],"datatype":"FP32","data":[2,3,2,3]}}],
            "outputs":[{{"name":"{output}","parameters":{{"classification":{count}}}}}]}}"#
    );
    let row = row.as_array().unwrap();
    let data: Vec<_> = row.iter().chain(row).collect();
    let expected = json!({"name": output, "datatype": "BYTES", "shape": [2, row.len()], "data": data});
    assert_eq!(server.outputs(body), json!([expected]));
}

#[test]
fn a_class_is_returned_with_its_name() {
    let server = Server::start("zipmap_strings.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[0.25]}],
        "outputs":[{"name":"scores","parameters":{"classification":1}}]}"#;
    assert_eq!(server.outputs(body)[0]["data"], json!(["0.750000:1:good"]));
}

#[test]
fn classification_needs_numbers() {
    let server = Server::start("identity/BYTES.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["a"]}],
        "outputs":[{"name":"y","parameters":{"classification":1}}]}"#;
    assert!(server.infer(body).error(400).contains("classification needs numbers"));
}

#[rstest]
fn a_request_does_not_run_after_its_timeout(difference: Server) {
    let body =
        |timeout: u64| TWO_ROWS.replacen('{', &format!(r#"{{"parameters":{{"timeout":{timeout}}},"#), 1);
    // Reading it takes longer than a microsecond.
    let padded = body(1).replacen('{', &format!("{{{}", " ".repeat(1 << 20)), 1);
    assert!(difference.infer(padded).error(504).contains("timeout of 1 us"));
    assert_eq!(difference.infer(body(60_000_000)).status, 200);
    assert_eq!(difference.infer(body(0)).status, 200);
    assert_eq!(difference.metric("nv_inference_exec_count"), 2);
}

#[test]
fn nan_and_infinity_are_null_in_json_and_kept_in_binary() {
    let server = Server::start("not_finite.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[0,-4]}]}"#;
    let outputs = server.outputs(body);
    assert_eq!(outputs[0]["data"], json!([null, -0.25]));
    assert_eq!(outputs[1]["data"], json!([null, null]));
    let body = body.replace(r#"{"inputs""#, r#"{"parameters":{"binary_data_output":true},"inputs""#);
    let response = server.infer(body);
    let json_length: usize = response.header("inference-header-content-length").unwrap().parse().unwrap();
    assert_eq!(response.body[json_length..][..8], floats(&[f32::INFINITY, -0.25]));
}

#[test]
fn requests_are_counted_in_metrics_with_tritons_names() {
    let server = Server::start("difference.onnx");
    server.outputs(TWO_ROWS);
    server.infer("{}").error(400);
    assert_eq!(server.metric("nv_inference_request_success"), 1);
    assert_eq!(server.metric("nv_inference_request_failure"), 1);
    assert_eq!(server.metric("nv_inference_count"), 2, "two rows");
    assert_eq!(server.metric("nv_inference_exec_count"), 1);
    assert_eq!(server.metric("understudy_request_duration_seconds_count"), 1);
    assert!(server.metric("nv_inference_request_duration_us") > 0);
    let stats = &server.get(&format!("{MODEL}/stats")).json()["model_stats"][0];
    assert_eq!((&stats["name"], &stats["version"]), (&json!("fraud"), &json!("1.3.0")));
    assert_eq!(stats["inference_stats"]["success"]["count"], 1);
    assert_eq!(stats["inference_stats"]["fail"]["count"], 1);
    assert_eq!(stats["inference_count"], 2);
}

#[test]
fn the_operators_probe_runs_the_model() {
    let server = Server::start("difference.onnx");
    let probe = server.get("/understudy/v1/probe").json();
    assert_eq!((&probe["deployment"], &probe["version"]), (&json!("fraud"), &json!("1.3.0")));
    assert!(probe["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(probe["model"]["opset"], 17);
    assert_eq!(probe["model"]["inputs"][1], json!({"name": "right", "datatype": "FP32", "shape": [-1, 2]}));
    assert!(probe["latencyMicros"].is_u64());
    assert_eq!(server.metric("nv_inference_exec_count"), 1);
}

#[test]
fn only_health_is_available_before_the_model_is_loaded() {
    // A store that accepts and never responds keeps the server in loading.
    let store = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let launch = Launch::artifact("s3://models/model.onnx", &"0".repeat(64));
    let endpoint = format!("http://{}", store.local_addr().unwrap());
    std::fs::write(launch.path("secret/AWS_ENDPOINT_URL"), endpoint).unwrap();
    let server = launch.listening();
    assert_eq!(server.get("/v2/health/live").status, 200);
    let response = server.get("/v2/health/ready");
    assert_eq!((response.status, response.json()), (503, json!({"live": true, "ready": false})));
    server.get("/understudy/v1/probe").error(503);
    server.infer(TWO_ROWS).error(503);
    let mut probes = Connection::open(server.metrics);
    let statuses = ["/livez", "/startupz", "/readyz"].map(|path| probes.get(path).status);
    assert_eq!(statuses, [200, 503, 503]);
}
