//! Every datatype of the protocol, through an identity model: the output equals the input, in JSON and in binary.

use rstest::rstest;
use serde_json::json;

use crate::{
    client::Connection,
    harness::{INFER, Server},
};

#[rstest]
#[case("BOOL", "[true,false]", &[1, 0])]
#[case("UINT8", "[1,255]", &[1, 255])]
#[case("INT8", "[-128,127]", &[128, 127])]
#[case("UINT16", "[258,65535]", &[2, 1, 255, 255])]
#[case("INT16", "[-32768,258]", &[0, 128, 2, 1])]
#[case("UINT32", "[16909060,4294967295]", &[4, 3, 2, 1, 255, 255, 255, 255])]
#[case("INT32", "[-2147483648,16909060]", &[0, 0, 0, 128, 4, 3, 2, 1])]
#[case("UINT64", "[1,18446744073709551615]", &[1, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255])]
#[case("INT64", "[-9223372036854775808,2]", &[0, 0, 0, 0, 0, 0, 0, 128, 2, 0, 0, 0, 0, 0, 0, 0])]
#[case("FP32", "[0.1,-2.5]", &[0xcd, 0xcc, 0xcc, 0x3d, 0, 0, 0x20, 0xc0])]
#[case("FP64", "[0.1,-2.5]", &[0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0x3f, 0, 0, 0, 0, 0, 0, 4, 0xc0])]
#[case("BYTES", r#"["né","a\"\n"]"#, &[3, 0, 0, 0, b'n', 0xc3, 0xa9, 3, 0, 0, 0, b'a', b'"', b'\n'])]
fn json_and_binary_carry_the_same_values(#[case] datatype: &str, #[case] data: &str, #[case] blob: &[u8]) {
    let server = Server::start(&format!("identity/{datatype}.onnx"));
    let body = format!(r#"{{"inputs":[{{"name":"x","shape":[2],"datatype":"{datatype}","data":{data}}}]}}"#);
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        server.outputs(&body),
        json!([{"name": "y", "datatype": datatype, "shape": [2], "data": data}])
    );
    assert_eq!(binary(&server, datatype, 2, blob), blob);
    // JSON in, binary out.
    let body = body.replace(r#"{"inputs""#, r#"{"parameters":{"binary_data_output":true},"inputs""#);
    let response = server.infer(body);
    let json_length: usize = response.header("inference-header-content-length").unwrap().parse().unwrap();
    assert_eq!(&response.body[json_length..], blob);
}

#[rstest]
#[case("FP16", &[0x00, 0x3c, 0x00, 0xc1])]
#[case("BF16", &[0x80, 0x3f, 0x20, 0xc0])]
fn half_precision_is_binary_only(#[case] datatype: &str, #[case] blob: &[u8]) {
    let server = Server::start(&format!("identity/{datatype}.onnx"));
    assert_eq!(binary(&server, datatype, 2, blob), blob);
    let body = format!(r#"{{"inputs":[{{"name":"x","shape":[1],"datatype":"{datatype}","data":[1]}}]}}"#);
    assert!(server.infer(body).error(400).contains("no JSON form"));
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
fn a_scalar_has_no_dimension() {
    let server = Server::start("scalar.onnx");
    for data in ["7.5", "[7.5]"] {
        let body = format!(r#"{{"inputs":[{{"name":"x","shape":[],"datatype":"FP32","data":{data}}}]}}"#);
        assert_eq!(
            server.outputs(body),
            json!([{"name": "y", "datatype": "FP32", "shape": [], "data": [7.5]}])
        );
    }
}

#[test]
fn a_tensor_may_be_empty() {
    for datatype in ["FP32", "BYTES"] {
        let server = Server::start(&format!("identity/{datatype}.onnx"));
        let body = format!(r#"{{"inputs":[{{"name":"x","shape":[0],"datatype":"{datatype}","data":[]}}]}}"#);
        assert_eq!(
            server.outputs(body),
            json!([{"name": "y", "datatype": datatype, "shape": [0], "data": []}])
        );
    }
}

#[test]
fn a_string_that_onnx_cannot_hold_is_a_bad_request() {
    let server = Server::start("identity/BYTES.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["a\u0000b"]}]}"#;
    assert!(server.infer(body).error(400).contains('x'));
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

/// Sends `blob` as a binary input and returns the binary output.
fn binary(server: &Server, datatype: &str, count: usize, blob: &[u8]) -> Vec<u8> {
    let header = format!(
        r#"{{"inputs":[{{"name":"x","shape":[{count}],"datatype":"{datatype}","parameters":{{"binary_data_size":{}}}}}],"outputs":[{{"name":"y","parameters":{{"binary_data":true}}}}]}}"#,
        blob.len()
    );
    let length = header.len().to_string();
    let body = [header.as_bytes(), blob].concat();
    let headers: &[(&str, &str)] = &[("Inference-Header-Content-Length", &length)];
    let mut response = Connection::open(server.direct).call("POST", INFER, headers, &body);
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
    let json_length = response.header("inference-header-content-length").unwrap().parse().unwrap();
    response.body.split_off(json_length)
}
