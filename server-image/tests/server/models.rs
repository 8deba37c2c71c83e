//! Models as people export them are served.

use rstest::rstest;
use serde_json::json;

use crate::{
    client::Connection,
    harness::{Launch, MODEL, Server},
};

/// scikit-learn's exporter ends every classifier with this operator, unless told otherwise.
#[rstest]
#[case::named("zipmap_strings.onnx", json!(["bad", "good"]), json!([0.25, 0.75, 1.0, 0.0]))]
#[case::numbered("zipmap_int64s.onnx", json!(["2", "10"]), json!([0.25, 0.75, 1.0, 0.0]))]
fn a_sequence_of_maps_is_a_tensor_of_scores(
    #[case] model: &str,
    #[case] classes: serde_json::Value,
    #[case] scores: serde_json::Value,
) {
    let server = Server::start(model);
    let port = json!({"name": "scores", "datatype": "FP32", "shape": [-1, 2], "classes": classes});
    assert_eq!(server.get(MODEL).json()["outputs"], json!([port]));
    let body = r#"{"inputs":[{"name":"x","shape":[2,1],"datatype":"FP32","data":[0.25,1]}]}"#;
    let output = json!({"name": "scores", "datatype": "FP32", "shape": [2, 2], "data": scores});
    assert_eq!(server.outputs(body), json!([output]));
    let predicted = Connection::open(server.main).post("/predict", r#"{"records":[{"x":0.25}]}"#).json();
    let (first, second) = (classes[0].as_str().unwrap(), classes[1].as_str().unwrap());
    assert_eq!(predicted, json!({"predictions": [{"scores": {first: 0.25, second: 0.75}}]}));
    let schema = &server.get("/openapi.json").json()["components"]["schemas"]["Predictions"];
    let scores = &schema["properties"]["predictions"]["items"]["properties"]["scores"];
    assert_eq!(scores["required"], classes);
}

#[test]
fn a_model_may_use_operators_of_another_domain_only() {
    let server = Server::start("ml_only.onnx");
    let body = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[2,4]}]}"#;
    assert_eq!(server.outputs(body)[0]["data"], json!([10.0, 200.0]));
    assert_eq!(server.get("/understudy/v1/probe").json()["model"]["opset"], 0);
}

#[test]
fn a_model_that_runs_only_with_frames_of_one_size_is_warmed_up_with_such_a_frame() {
    let server = Server::start("frames.onnx");
    assert_eq!(server.get("/understudy/v1/probe").status, 200);
    let frame = vec!["1"; 256].join(",");
    let body =
        format!(r#"{{"inputs":[{{"name":"audio","shape":[1,256],"datatype":"FP32","data":[{frame}]}}]}}"#);
    assert_eq!(server.outputs(body)[0]["data"], json!([256.0]));
}

#[test]
fn a_model_whose_input_is_a_shape_is_warmed_up_with_a_shape_that_fits() {
    let server = Server::start("shape_input.onnx");
    assert_eq!(server.get("/understudy/v1/probe").status, 200);
    let numbers = (0..24).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let body = format!(
        r#"{{"inputs":[{{"name":"x","shape":[2,3,4],"datatype":"FP32","data":[{numbers}]}},
            {{"name":"shape","shape":[2],"datatype":"INT64","data":[6,-1]}}]}}"#
    );
    assert_eq!(server.outputs(body)[0]["shape"], json!([6, 4]));
}

#[test]
fn a_model_whose_inputs_are_positions_axes_and_steps_is_warmed_up_with_such() {
    let server = Server::start("slice_inputs.onnx");
    assert_eq!(server.get("/understudy/v1/probe").status, 200);
    let integers = |name: &str, data: &str| {
        format!(r#"{{"name":"{name}","shape":[2],"datatype":"INT64","data":{data}}}"#)
    };
    let body = format!(
        r#"{{"inputs":[{{"name":"x","shape":[3,4],"datatype":"FP32","data":[0,1,2,3,10,11,12,13,20,21,22,23]}},
            {},{},{},{}]}}"#,
        integers("starts", "[3,0]"),
        integers("ends", "[0,3]"),
        integers("axes", "[1,0]"),
        integers("steps", "[-2,2]"),
    );
    assert_eq!(server.outputs(body)[0]["data"], json!([3.0, 1.0, 23.0, 21.0]));
}

#[rstest]
#[case::scalar("[]", json!([7.0]))]
#[case::vector("[3]", json!([7.0, 8.0, 9.0]))]
#[case::nothing("[2,0]", json!([]))]
#[case::cube("[1,3,1]", json!([7.0, 8.0, 9.0]))]
fn an_input_without_a_declared_shape_takes_any(#[case] shape: &str, #[case] data: serde_json::Value) {
    let server = Server::start("any_shape.onnx");
    let port = |name: &str| json!({"name": name, "datatype": "FP32", "shape": [-1], "any_shape": true});
    let metadata = server.get(MODEL).json();
    assert_eq!((&metadata["inputs"], &metadata["outputs"]), (&json!([port("x")]), &json!([port("y")])));
    let body = format!(r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"FP32","data":{data}}}]}}"#);
    let shape: serde_json::Value = serde_json::from_str(shape).unwrap();
    assert_eq!(
        server.outputs(body),
        json!([{"name": "y", "datatype": "FP32", "shape": shape, "data": data}])
    );
}

#[test]
fn the_operator_learns_that_a_model_declares_no_shape() {
    let server = Server::start("any_shape.onnx");
    let model = &server.get("/understudy/v1/probe").json()["model"];
    let port = |name: &str| json!({"name": name, "datatype": "FP32", "shape": [-1], "anyShape": true});
    assert_eq!((&model["inputs"], &model["outputs"]), (&json!([port("x")]), &json!([port("y")])));
    let server = Server::start("scalar.onnx");
    let scalar = json!({"name": "x", "datatype": "FP32", "shape": []});
    assert_eq!(server.get("/understudy/v1/probe").json()["model"]["inputs"], json!([scalar]));
    assert_eq!(server.get(MODEL).json()["inputs"], json!([scalar]));
}

#[test]
fn a_model_that_declares_no_shape_and_needs_images_is_warmed_up_with_images() {
    let server = Server::start("image_of_any_shape.onnx");
    assert_eq!(server.get("/understudy/v1/probe").status, 200);
    let body = r#"{"inputs":[{"name":"x","shape":[1,2,2,2],"datatype":"FP32","data":[1,2,3,4,5,6,7,8]}]}"#;
    assert_eq!(server.outputs(body)[0]["data"], json!([4.0, 8.0]));
}

#[test]
fn a_record_may_have_a_number_or_a_list_for_an_input_without_a_declared_shape() {
    let server = Server::start("any_shape.onnx");
    let predict = |body: &str| Connection::open(server.main).post("/predict", body).json();
    assert_eq!(predict(r#"{"records":[{"x":1},{"x":2}]}"#), json!({"predictions": [{"y": 1.0}, {"y": 2.0}]}));
    let vectors = r#"{"records":[{"x":[1,2]},{"x":[3,4]}]}"#;
    assert_eq!(predict(vectors), json!({"predictions": [{"y": [1.0, 2.0]}, {"y": [3.0, 4.0]}]}));
}

#[test]
fn an_optional_tensor_is_an_input_like_any_other() {
    let server = Server::start("optional_inputs.onnx");
    let scale = json!({"name": "scale", "datatype": "FP32", "shape": []});
    let any = json!({"name": "x", "datatype": "FP32", "shape": [-1], "any_shape": true});
    assert_eq!(server.get(MODEL).json()["inputs"], json!([scale, any]));
    let x = r#"{"name":"x","shape":[2,1],"datatype":"FP32","data":[2,3]}"#;
    let body = format!(r#"{{"inputs":[{{"name":"scale","shape":[],"datatype":"FP32","data":[10]}},{x}]}}"#);
    let output = &server.outputs(body)[0];
    assert_eq!((&output["shape"], &output["data"]), (&json!([2, 1]), &json!([20.0, 30.0])));
    // The protocol has no form for an optional without a value.
    let message = server.infer(format!(r#"{{"inputs":[{x}]}}"#)).error(400);
    assert!(message.contains("input `scale` is missing"), "{message}");
}

#[test]
fn a_model_that_never_ends_on_zeros_is_warmed_up_with_other_values() {
    let server = Launch::of("stuck_on_zeros.onnx").arguments(&["--max-run", "0.5"]).ready();
    assert_eq!(server.get("/understudy/v1/probe").status, 200);
}
