//! A pod with examples serves only if it reproduces their answers.

use rstest::rstest;
use serde_json::json;

use crate::{
    client::Connection,
    harness::{Launch, Server, sha256},
};

const PROBE: &str = "/understudy/v1/probe";

/// A server for a test model, with these examples next to the model.
fn launch(model: &str, lines: &[&str]) -> Launch {
    let text = lines.join("\n");
    let launch = Launch::of(model);
    std::fs::write(launch.path("claim/examples.jsonl"), &text).unwrap();
    let claim = launch.path("claim").display().to_string();
    launch.arguments(&[
        "--examples",
        "pvc://claim/examples.jsonl",
        "--examples-sha256",
        &sha256(text.as_bytes()),
        "--examples-pvc-dir",
        &claim,
    ])
}

/// The score is age + 10 height + 100 weight.
const RECORDS: &str =
    r#"{"request":{"records":[{"age":1,"height":2,"weight":3}]},"response":{"predictions":[{"score":321}]}}"#;
const INFER: &str = r#"{"request":{"inputs":[{"name":"features","shape":[2,3],"datatype":"FP32","data":[[1,2,3],[4,5,6]]}]},
    "response":{"outputs":[{"name":"score","shape":[2,1],"datatype":"FP32","data":[321,654]}]}}"#;

fn infer() -> String {
    INFER.replace('\n', "")
}

#[test]
fn a_model_that_reproduces_its_examples_is_served_and_the_probe_uses_one_of_them() {
    let server = launch("named_vector.onnx", &[RECORDS, "", &infer()]).ready();
    let probe = server.get(PROBE).json();
    assert_eq!(probe["proof"], json!({"by": "examples", "count": 2}));
    assert!(!server.path("work/examples.jsonl").exists(), "nobody needs the file any more");
}

#[test]
fn the_openapi_description_has_the_examples() {
    let server = launch("named_vector.onnx", &[RECORDS, &infer()]).ready();
    let openapi = server.get("/openapi.json").json();
    let content = |path: &str, of: &str| {
        openapi["paths"][path]["post"].pointer(of).unwrap()["content"]["application/json"]["examples"].clone()
    };
    let made_up = "/paths/~1predict/post/requestBody/content/application~1json/example";
    assert!(openapi.pointer(made_up).is_none(), "OpenAPI allows either one example or several");
    let request = content("/predict", "/requestBody");
    assert_eq!(request["example-1"]["value"]["records"][0]["height"], 2);
    assert_eq!(content("/predict", "/responses/200")["example-1"]["value"]["predictions"][0]["score"], 321);
    let infer = content("/v2/models/fraud/infer", "/requestBody");
    assert_eq!(infer["example-1"]["value"]["inputs"][0]["data"][1][2], 6);
    assert!(infer["example-2"].is_null(), "examples of /predict are not requests for /infer");
    assert_eq!(openapi["paths"]["/v2/health/live"].as_object().unwrap().len(), 1);
}

#[test]
fn the_pages_show_the_examples() {
    let page = |server: &Server, path: &str| String::from_utf8(server.get(path).body).unwrap();
    let server = launch("named_vector.onnx", &[RECORDS]).ready();
    let form = page(&server, "/");
    assert!(form.contains("The fields start with an example of this version."), "{form}");
    for (name, value) in [("age", 1), ("height", 2), ("weight", 3)] {
        assert!(form.contains(&format!("name=\"{name}\" data-kind=\"number\" aria-describedby")), "{form}");
        assert!(form.contains(&format!("value=\"{value}\"")), "{name}: {form}");
    }
    let docs = page(&server, "/docs");
    assert!(docs.contains("Example 1 of a request, and its answer") && docs.contains("321"), "{docs}");
    // One for /infer fills the form as well: it is the input of the warm-up.
    let server = launch("named_vector.onnx", &[&infer()]).ready();
    let form = page(&server, "/");
    assert!(["1", "2", "3"].iter().all(|value| form.contains(&format!("value=\"{value}\""))), "{form}");
}

#[test]
fn a_model_that_answers_its_example_needs_no_synthetic_input_that_works() {
    let example = r#"{"request":{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[-7]}]},"response":{"outputs":[{"name":"y","data":[2.5]}]}}"#;
    let server = launch("minus_seven.onnx", &[example]).ready();
    assert_eq!(server.get(PROBE).json()["proof"], json!({"by": "examples", "count": 1}));
}

#[test]
fn the_names_of_classes_are_known_from_the_first_example() {
    let example = r#"{"request":{"records":[{"x":0.25}]},"response":{"predictions":[{"scores":{"good":0.75,"bad":0.25}}]}}"#;
    let swapped = example.replace("\"good\":0.75", "\"good\":0.25");
    launch("zipmap_strings.onnx", &[example]).ready();
    let (_, left) = launch("zipmap_strings.onnx", &[&swapped]).fails();
    assert_eq!(left["reason"], "ExamplesDiffer", "{left}");
}

#[test]
fn nan_and_infinity_are_expected_as_null() {
    let example = r#"{"request":{"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[0,-1]}]},"response":{"outputs":[{"name":"y","data":[null,-1]},{"name":"z","data":[null,null]}]}}"#;
    launch("not_finite.onnx", &[example]).ready();
    let (_, left) = launch("not_finite.onnx", &[&example.replace("[null,-1]", "[0,-1]")]).fails();
    assert!(
        left["message"].as_str().unwrap().contains("output `y`, element 0: expected 0, got inf"),
        "{left}"
    );
}

#[test]
fn a_difference_is_reported_with_its_line_and_place() {
    let (code, left) = launch("named_vector.onnx", &[RECORDS, &infer().replace("654", "655")]).fails();
    assert_eq!((code, &left["reason"]), (Some(1), &json!("ExamplesDiffer")));
    let message =
        "line 2 of pvc://claim/examples.jsonl: output `score`, element 1 at [1,0]: expected 655, got 654";
    assert_eq!(left["message"], message);
}

#[test]
fn the_tolerance_decides_what_counts_as_a_difference() {
    let near = RECORDS.replace("321", "321.5");
    launch("named_vector.onnx", &[&near]).arguments(&["--examples-relative", "0.01"]).ready();
    launch("named_vector.onnx", &[&near]).arguments(&["--examples-absolute", "0.5"]).ready();
    let (_, left) = launch("named_vector.onnx", &[&near]).fails();
    assert_eq!(left["reason"], "ExamplesDiffer");
}

#[rstest]
#[case::not_json(
    "age,height",
    "InvalidExamples",
    "line 1 of pvc://claim/examples.jsonl: invalid JSON at byte 0"
)]
#[case::empty("", "InvalidExamples", "has no examples")]
#[case::another_model(
    r#"{"request":{"records":[{"city":"Utrecht"}]},"response":{"predictions":[{"score":1}]}}"#,
    "InvalidExamples",
    "city"
)]
#[case::another_shape(r#"{"request":{"inputs":[{"name":"features","shape":[1,2],"datatype":"FP32","data":[1,2]}]},"response":{"outputs":[{"name":"score","data":[1]}]}}"#, "InvalidExamples", "[1,2]")]
#[case::no_such_output(
    r#"{"request":{"records":[{"age":1,"height":2,"weight":3}]},"response":{"predictions":[{"risk":1}]}}"#,
    "InvalidExamples",
    "no output `risk`; it has `score`"
)]
fn examples_that_are_not_those_of_the_model_are_invalid(
    #[case] line: &str,
    #[case] reason: &str,
    #[case] message: &str,
) {
    let (code, left) = launch("named_vector.onnx", &[line]).fails();
    assert_eq!((code, &left["reason"]), (Some(1), &json!(reason)), "{left}");
    assert!(left["message"].as_str().unwrap().contains(message), "{left}");
}

#[test]
fn examples_that_were_exchanged_in_the_store_are_not_used() {
    let launch = launch("named_vector.onnx", &[RECORDS]);
    std::fs::write(launch.path("claim/examples.jsonl"), RECORDS.replace("321", "123")).unwrap();
    let (_, left) = launch.fails();
    assert_eq!(left["reason"], "DigestMismatch");
    assert!(left["message"].as_str().unwrap().contains("pvc://claim/examples.jsonl"), "{left}");
}

#[test]
fn examples_of_gigabytes_are_not_downloaded() {
    let launch = launch("named_vector.onnx", &[RECORDS]);
    let file = std::fs::File::create(launch.path("claim/examples.jsonl")).unwrap();
    file.set_len(5 << 30).unwrap();
    let (_, left) = launch.fails();
    assert_eq!(left["reason"], "ArtifactTooLarge", "{left}");
}

#[test]
fn a_line_of_a_file_of_one_line_is_bounded() {
    let (_, left) = launch("named_vector.onnx", &[&" ".repeat(17 << 20)]).fails();
    assert_eq!(left["reason"], "InvalidExamples");
    assert!(left["message"].as_str().unwrap().contains("longer than"), "{left}");
}

#[test]
fn a_server_without_examples_reports_no_proof_and_no_examples() {
    let server = Server::start("named_vector.onnx");
    assert!(server.get(PROBE).json()["proof"].is_null());
    let openapi = Connection::open(server.main).get("/openapi.json").json();
    assert!(
        openapi["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["examples"]
            .is_null()
    );
}

#[test]
fn an_example_whose_run_is_stopped_says_so() {
    let line = r#"{"request":{"inputs":[{"name":"rounds","shape":[1],"datatype":"INT64","data":[1000000000]}]},
        "response":{"outputs":[{"name":"sum","data":[16]}]}}"#;
    let (_, failure) =
        launch("slow.onnx", &[&line.replace('\n', "")]).arguments(&["--max-run", "0.2"]).fails();
    assert_eq!(failure["reason"], "ExamplesDiffer", "{failure}");
    let message = failure["message"].as_str().unwrap();
    assert!(
        message.contains("line 1 of ") && message.contains("the run was stopped after 0.2 s"),
        "{message}"
    );
}
