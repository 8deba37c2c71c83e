//! What one request can make the process hold. Each test measures the real process.

use prost::encoding::encode_varint;
use rstest::rstest;

use understudy_server::proto::MODEL_INFER;

use crate::{
    client::Connection,
    harness::{INFER, Launch, Server},
};

/// Far less than the machine has, and more than any of these requests may take.
const LIMIT: u64 = 1 << 30;

fn limited(model: &str) -> Server {
    Launch::of(model).arguments(&["--memory-limit", &LIMIT.to_string()]).ready()
}

#[rstest]
fn an_output_whose_size_a_value_chooses_fails_one_call_and_not_the_pod(
    #[values(1 << 40, 300_000_000, 200_000_000, 90_000_000, 60_000_000)] elements: u64,
    #[values(false, true)] binary: bool,
) {
    let server = limited("expanding.onnx");
    let shape = |elements: u64| {
        format!(
            r#"{{"parameters":{{"binary_data_output":{binary}}},"inputs":[{{"name":"shape","shape":[1],
                "datatype":"INT64","data":[{elements}]}}]}}"#
        )
    };
    let status = server.infer(shape(elements)).status;
    assert!(status == 500 || (binary && elements < 100_000_000), "{elements}: {status}");
    assert!(server.peak() < LIMIT, "{} bytes", server.peak());
    assert_eq!(server.infer(shape(2)).status, 200, "the next call");
}

#[rstest]
#[case::not_one_for_each_record("expanding.onnx", r#"{"records":[{"shape":60000000}]}"#, 501)]
#[case::too_many_for_one_record("wide.onnx", r#"{"records":[{"shape":60000000}]}"#, 500)]
fn large_predictions_fail_one_call_and_not_the_pod(
    #[case] model: &str,
    #[case] body: &str,
    #[case] status: u16,
) {
    let server = limited(model);
    let message = Connection::open(server.main).post("/predict", body).error(status);
    assert!(message.contains("use /infer"), "{message}");
    assert!(server.peak() < LIMIT, "{} bytes", server.peak());
    assert_eq!(server.get("/v2/health/ready").status, 200);
}

/// Bodies of 32 MB, the largest that the server accepts. An accepted one may take the memory of its tensors, a refused one
/// not much more than itself.
#[rstest]
#[case::empty_lists("matrix.onnx", "[],", 8)]
#[case::short_numbers("matrix.onnx", "0,", 12)]
#[case::empty_strings("identity/BYTES.onnx", "\"\",", 8)]
fn a_body_takes_a_small_multiple_of_its_size(#[case] model: &str, #[case] element: &str, #[case] times: u64) {
    let server = limited(model);
    let datatype = if model.contains("BYTES") { "BYTES" } else { "FP32" };
    let (start, end) = (
        format!(r#"{{"inputs":[{{"name":"x","shape":[9000000],"datatype":"{datatype}","data":["#),
        format!("{}]}}]}}", element.trim_end_matches(',')),
    );
    let count = ((32 << 20) - start.len() - end.len()) / element.len();
    let body = start + &element.repeat(count) + &end;
    let before = server.peak();
    server.infer(&body).error(400);
    let taken = server.peak() - before;
    assert!(taken < times * body.len() as u64, "{taken} bytes for {} bytes", body.len());
}

#[rstest]
#[case::records("columns.onnx", "{\"age\":0,\"country\":\"\"},")]
#[case::records_without_columns("columns.onnx", "{},")]
#[case::lists_in_lists("nameless_vector.onnx", "{\"features\":[[],[]]},")]
fn records_take_a_small_multiple_of_their_size(#[case] model: &str, #[case] record: &str) {
    let server = limited(model);
    let (start, end) = (r#"{"records":["#, "1]}");
    let count = ((32 << 20) - start.len() - end.len()) / record.len();
    let body = start.to_owned() + &record.repeat(count) + end;
    let before = server.peak();
    Connection::open(server.main).post("/predict", &body).error(400);
    let taken = server.peak() - before;
    assert!(taken < 8 * body.len() as u64, "{taken} bytes for {} bytes", body.len());
}

#[test]
fn a_tensor_that_declares_more_elements_than_its_body_takes_no_memory() {
    let server = limited("identity/FP32.onnx");
    let header = |size: u64| {
        format!(
            r#"{{"inputs":[{{"name":"x","shape":[{}],"datatype":"FP32","parameters":{{"binary_data_size":{size}}}}}]}}"#,
            1_u64 << 40
        )
    };
    let before = server.peak();
    for size in [0, 4 << 40] {
        let json = header(size);
        let length = json.len().to_string();
        let headers = [("Inference-Header-Content-Length", length.as_str())];
        Connection::open(server.main).call("POST", INFER, &headers, json.as_bytes()).error(400);
    }
    assert!(server.peak() - before < 16 << 20, "{} bytes", server.peak() - before);
}

#[test]
fn a_tensor_without_elements_and_with_a_huge_dimension_takes_no_memory() {
    let server = limited("zero_by_huge.onnx");
    assert!(server.peak() < 256 << 20, "{} bytes", server.peak());
}

/// Messages of 32 MB, the largest that the server accepts, with fields of two bytes each.
#[rstest]
#[case::inputs(&[0x2a, 0])]
#[case::outputs(&[0x32, 0])]
#[case::raw_input_contents(&[0x3a, 0])]
#[case::parameters(&[0x22, 0])]
#[case::unknown_fields(&[0x78, 0])]
fn a_message_takes_a_small_multiple_of_its_size(#[case] field: &[u8]) {
    let server = limited("matrix.onnx");
    let before = server.peak();
    let body = field.repeat((32 << 20) / field.len());
    Connection::open(server.challenger).post(MODEL_INFER, &body).error(400);
    let taken = server.peak() - before;
    assert!(taken < 8 * body.len() as u64, "{taken} bytes for {} bytes", body.len());
}

/// The fields of an input, and in them the elements of its contents, are as short.
#[rstest]
#[case::parameters(&[0x22, 0], false)]
#[case::texts(&[0x42, 0], true)]
fn an_input_of_a_message_takes_a_small_multiple_of_its_size(#[case] field: &[u8], #[case] contents: bool) {
    let server = limited("identity/BYTES.onnx");
    let before = server.peak();
    let nested = |key: u8, inner: Vec<u8>| {
        let mut outer = vec![key];
        encode_varint(inner.len() as u64, &mut outer);
        outer.extend(inner);
        outer
    };
    let mut fields = field.repeat((31 << 20) / field.len());
    if contents {
        fields = nested(0x2a, fields);
    }
    let body = nested(0x2a, fields);
    Connection::open(server.challenger).post(MODEL_INFER, &body).error(400);
    let taken = server.peak() - before;
    assert!(taken < 8 * body.len() as u64, "{taken} bytes for {} bytes", body.len());
}

/// With glibc's malloc, forty such responses left 366 MB behind.
#[test]
fn large_responses_leave_no_memory_behind() {
    let server = limited("expanding.onnx");
    let request = r#"{"parameters":{"binary_data_output":true},"inputs":[{"name":"shape","shape":[1],
        "datatype":"INT64","data":[4194304]}]}"#;
    let mut callers: Vec<_> = (0..40).map(|_| Connection::open(server.main)).collect();
    for caller in &mut callers {
        assert_eq!(caller.post(INFER, request).status, 200);
    }
    assert!(server.peak() < LIMIT / 4, "{} bytes", server.peak());
}
