//! What a model makes of datatypes and shapes. The rules for the tensors of requests are in `rules`.

use rstest::rstest;
use serde_json::json;

use crate::{
    client::Connection,
    harness::{INFER, Server},
};

#[rstest]
#[case("FP16", &[0x00, 0x3c, 0x00, 0xc1])]
#[case("BF16", &[0x80, 0x3f, 0x20, 0xc0])]
fn an_output_of_half_precision_must_be_asked_for_in_binary(#[case] datatype: &str, #[case] blob: &[u8]) {
    let server = Server::start(&format!("identity/{datatype}.onnx"));
    let header = format!(
        r#"{{"inputs":[{{"name":"x","shape":[2],"datatype":"{datatype}","parameters":{{"binary_data_size":4}}}}]}}"#
    );
    let length = header.len().to_string();
    let body = [header.as_bytes(), blob].concat();
    let headers: &[(&str, &str)] = &[("Inference-Header-Content-Length", &length)];
    let message = Connection::open(server.main).call("POST", INFER, headers, &body).error(400);
    assert!(message.contains("output `y`") && message.contains("binary_data"), "{message}");
}

#[test]
fn an_output_has_the_shape_of_the_result_not_of_the_signature() {
    let server = Server::start("outer.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[2,5]}]}"#;
    assert_eq!(
        server.outputs(body),
        json!([{"name": "y", "datatype": "FP32", "shape": [2, 2], "data": [4.0, 10.0, 10.0, 25.0]}])
    );
}

#[test]
fn a_model_that_fails_on_zeros_is_warmed_up_with_ones() {
    let server = Server::start("only_ones.onnx");
    assert_eq!(server.get("/understudy/v1/probe").status, 200);
    let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[DATA]}]}"#;
    assert_eq!(server.outputs(body.replace("DATA", "1"))[0]["data"], json!([2.5]));
    // The model rejects this input, and the server continues.
    let response = server.infer(body.replace("DATA", "-5"));
    assert!([400, 500].contains(&response.status), "{}", response.status);
    assert_eq!(server.outputs(body.replace("DATA", "1"))[0]["data"], json!([2.5]));
}
