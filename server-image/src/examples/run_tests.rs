use std::io::Write;

use rstest::rstest;

use super::*;
use crate::{
    signature::{Classes, Port},
    tensor::{Data, Datatype},
};

const TOLERANCE: Tolerance = Tolerance { absolute: 0.001, relative: 0.0 };

/// A model with the input `x` of rows of two numbers, and the outputs `sum` and `twice`.
fn signature() -> Signature {
    Signature {
        inputs: vec![Port::new("x", Datatype::Fp32, &[-1, 2])],
        outputs: vec![
            Port::new("sum", Datatype::Fp32, &[-1, 1]),
            Port::new("twice", Datatype::Fp32, &[-1, 2]),
        ],
    }
}

fn outputs(inputs: &[Tensor]) -> Vec<Output> {
    let Data::Fp32(elements) = &inputs[0].data else { panic!("x is FP32") };
    let sums = elements.chunks(2).map(|row| row.iter().sum()).collect();
    let twice = elements.iter().map(|element| element * 2.0).collect();
    let tensor = |shape: &[i64], data| Output::from(Tensor { shape: shape.to_vec(), data: Data::Fp32(data) });
    let rows = inputs[0].shape[0];
    vec![tensor(&[rows, 1], sums), tensor(&[rows, 2], twice)]
}

fn file(text: &str) -> (tempfile::NamedTempFile, ExamplesFile) {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(text.as_bytes()).unwrap();
    let path = written.path().to_owned();
    (written, ExamplesFile { path, uri: "s3://models/examples.jsonl".to_owned(), tolerance: TOLERANCE })
}

fn result(text: &str) -> Result<Reproduced, Failure> {
    let (_written, file) = file(text);
    let features = ["a".to_owned(), "b".to_owned()];
    reproduce(&file, &mut signature(), Some(&features), &mut |inputs, _| Ok(outputs(inputs)))
}

fn failure(text: &str) -> (Reason, String) {
    let failure = result(text).expect_err("the examples are not reproduced");
    (failure.reason, failure.message)
}

const REQUEST: &str = r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#;
const RECORDS: &str = r#"{"records":[{"a":1,"b":2},{"a":3,"b":4}]}"#;

fn example(request: &str, response: &str) -> String {
    format!(r#"{{"request":{request},"response":{response}}}"#)
}

#[rstest]
#[case::all_outputs(
    r#"{"model_name":"m","outputs":[
    {"name":"sum","shape":[1,1],"datatype":"FP32","data":[3]},
    {"name":"twice","shape":[1,2],"datatype":"FP32","data":[2,4]}]}"#
)]
#[case::one_output(r#"{"outputs":[{"name":"twice","data":[2,4]}]}"#)]
#[case::nested(r#"{"outputs":[{"data":[[2,4]],"name":"twice"}]}"#)]
#[case::within_the_tolerance(r#"{"outputs":[{"name":"sum","data":[3.0009]}]}"#)]
fn a_response_of_infer_may_name_some_outputs_and_nest_its_data(#[case] response: &str) {
    result(&example(REQUEST, &response.replace('\n', ""))).unwrap();
}

#[rstest]
#[case::all_outputs(r#"{"predictions":[{"sum":3,"twice":[2,4]},{"sum":7,"twice":[6,8]}]}"#)]
#[case::one_output(r#"{"predictions":[{"sum":3},{"twice":[6,8]}]}"#)]
fn a_response_of_predict_has_a_prediction_for_each_record(#[case] response: &str) {
    result(&example(RECORDS, response)).unwrap();
}

#[rstest]
#[case::a_number(
    r#"{"outputs":[{"name":"twice","data":[2,4.5]}]}"#,
    "output `twice`, element 1 at [0,1]: expected 4.5, got 4"
)]
#[case::a_shape(
    r#"{"outputs":[{"name":"twice","shape":[2,1],"data":[2,4]}]}"#,
    "output `twice`: expected the shape [2,1], got [1,2]"
)]
#[case::too_few_elements(
    r#"{"outputs":[{"name":"twice","data":[2]}]}"#,
    "output `twice`: expected 1 elements, got 2"
)]
#[case::too_many_elements(
    r#"{"outputs":[{"name":"twice","data":[2,4,6]}]}"#,
    "output `twice`: expected more than 2 elements"
)]
#[case::a_text(r#"{"outputs":[{"name":"sum","data":["3"]}]}"#, r#"expected "3", got 3"#)]
fn the_first_difference_says_which_line_output_and_element(#[case] response: &str, #[case] message: &str) {
    let good = example(REQUEST, r#"{"outputs":[{"name":"sum","data":[3]}]}"#);
    let (reason, found) = failure(&format!("{good}\n\n{}\n{good}", example(REQUEST, response)));
    assert_eq!(reason, Reason::ExamplesDiffer, "{found}");
    assert!(found.starts_with("line 3 of s3://models/examples.jsonl: "), "{found}");
    assert!(found.contains(message), "{found}");
}

#[test]
fn a_difference_in_a_prediction_names_its_record() {
    let (reason, message) = failure(&example(RECORDS, r#"{"predictions":[{"sum":3},{"twice":[6,9]}]}"#));
    assert_eq!(reason, Reason::ExamplesDiffer);
    assert!(message.ends_with("record 1, output `twice`, element 1: expected 9, got 8"), "{message}");
}

#[rstest]
#[case::no_such_output(
    REQUEST,
    r#"{"outputs":[{"name":"score","data":[3]}]}"#,
    "no output `score`; it has `sum`, `twice`"
)]
#[case::another_datatype(
    REQUEST,
    r#"{"outputs":[{"name":"sum","datatype":"INT64","data":[3]}]}"#,
    "datatype FP32, not INT64"
)]
#[case::no_outputs(REQUEST, r#"{"outputs":[]}"#, "no `outputs`")]
#[case::an_error(REQUEST, r#"{"error":"too old"}"#, "no `outputs`")]
#[case::no_data(REQUEST, r#"{"outputs":[{"name":"sum"}]}"#, "no `data`")]
#[case::no_name(REQUEST, r#"{"outputs":[{"data":[3]}]}"#, "no `name`")]
#[case::no_shape(REQUEST, r#"{"outputs":[{"name":"sum","shape":"1","data":[3]}]}"#, "not a list of integers")]
#[case::an_object(REQUEST, r#"{"outputs":[{"name":"sum","data":[{}]}]}"#, "is not an element")]
#[case::a_list_of_answers(REQUEST, "[3]", "expected `{`")]
#[case::another_input(
    r#"{"inputs":[{"name":"y","shape":[1],"datatype":"FP32","data":[1]}]}"#,
    "{}",
    "the request: "
)]
#[case::another_shape(
    r#"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}]}"#,
    "{}",
    "[1,3]"
)]
#[case::binary(
    r#"{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","parameters":{"binary_data_size":8}}]}"#,
    "{}",
    "the request: "
)]
#[case::a_missing_feature(r#"{"records":[{"a":1}]}"#, "{}", "`b`")]
#[case::too_few_predictions(
    RECORDS,
    r#"{"predictions":[{"sum":3}]}"#,
    "2 records, but the response has 1 predictions"
)]
#[case::too_many_predictions(
    RECORDS,
    r#"{"predictions":[{"sum":3},{"sum":7},{"sum":0}]}"#,
    "more predictions"
)]
#[case::an_empty_prediction(
    RECORDS,
    r#"{"predictions":[{"sum":3},{}]}"#,
    "prediction 1 of the response is empty"
)]
fn an_example_of_another_model_is_invalid(
    #[case] request: &str,
    #[case] response: &str,
    #[case] message: &str,
) {
    let (reason, found) = failure(&example(request, response));
    assert_eq!(reason, Reason::InvalidExamples, "{found}");
    assert!(found.contains(message), "{found}");
}

#[test]
fn a_model_that_fails_on_an_example_does_not_reproduce_it() {
    let (_written, file) = file(&example(REQUEST, r#"{"outputs":[{"name":"sum","data":[3]}]}"#));
    let failed =
        reproduce(&file, &mut signature(), None, &mut |_, _| Err("Gather: out of bounds".to_owned()));
    let failure = failed.expect_err("the run failed");
    assert_eq!(failure.reason, Reason::ExamplesDiffer);
    assert!(failure.message.ends_with("the model does not answer the request: Gather: out of bounds"));
}

#[rstest]
#[case::no_line("")]
#[case::blank_lines("\n  \n\r\n")]
fn a_file_without_examples_is_invalid(#[case] text: &str) {
    assert_eq!(failure(text).0, Reason::InvalidExamples);
}

#[test]
fn a_line_without_end_is_not_read_into_memory() {
    let (reason, message) = failure(&" ".repeat(MAX_LINE + 2));
    assert_eq!(reason, Reason::InvalidExamples);
    assert!(message.contains("longer than 16777216 bytes"), "{message}");
}

#[test]
fn more_examples_than_a_start_can_wait_for_are_refused() {
    let line = example(REQUEST, r#"{"outputs":[{"name":"sum","data":[3]}]}"#) + "\n";
    assert_eq!(result(&line.repeat(MAX_LINES)).unwrap().examples.count(), 1000);
    let (reason, message) = failure(&line.repeat(MAX_LINES + 1));
    assert_eq!(reason, Reason::InvalidExamples);
    assert!(message.contains("more than 1000 examples"), "{message}");
}

#[test]
fn the_probe_uses_the_smallest_example() {
    let large = example(RECORDS, r#"{"predictions":[{"sum":3},{"sum":7}]}"#);
    let small = example(REQUEST, r#"{"outputs":[{"name":"sum","data":[3]}]}"#);
    let reproduced = result(&format!("{large}\r\n{small}\r\n{large}")).unwrap();
    assert_eq!(reproduced.inputs[0].shape, [1, 2]);
    assert_eq!(reproduced.examples.count(), 3);
}

#[test]
fn people_see_the_first_small_examples_of_each_api() {
    let infer = example(REQUEST, r#"{"outputs":[{"name":"sum","data":[3]}]}"#);
    let predict = example(RECORDS, r#"{"predictions":[{"sum":3},{"sum":7}]}"#);
    let spaces = " ".repeat(20_000);
    let large = example(REQUEST, &format!(r#"{{"outputs":[{{"name":"twice",{spaces}"data":[2,4]}}]}}"#));
    let text = format!("{large}\n{}{predict}", (infer + "\n").repeat(5));
    let shown = result(&text).unwrap().examples.shown().to_vec();
    assert_eq!(
        shown.iter().map(|shown| shown.api).collect::<Vec<_>>(),
        [Api::Infer, Api::Infer, Api::Infer, Api::Predict]
    );
    assert_eq!(shown[0].response["outputs"][0]["data"][0], 3);
    assert_eq!(shown[3].request["records"][1]["b"], 4);
}

#[test]
fn scores_of_classes_are_compared_by_the_names_that_the_first_run_shows() {
    let unknown = Classes { are_numbers: false, names: vec![] };
    let scores = Port { classes: Some(unknown), ..Port::new("scores", Datatype::Fp32, &[-1, -1]) };
    let mut signature = Signature { outputs: vec![scores], ..signature() };
    let mut run = |_: &[Tensor], signature: &mut Signature| {
        let names = vec!["bad".to_owned(), "good".to_owned()];
        signature.outputs[0].classes = Some(Classes { are_numbers: false, names });
        Ok(vec![Output::from(Tensor { shape: vec![2, 2], data: Data::Fp32(vec![0.1, 0.9, 0.2, 0.8]) })])
    };
    let features = ["a".to_owned(), "b".to_owned()];
    let mut judge = |response: &str| {
        let (_written, file) = file(&example(RECORDS, response));
        reproduce(&file, &mut signature, Some(&features), &mut run)
            .map(|_| ())
            .map_err(|failure| failure.message)
    };
    let good = r#"{"predictions":[{"scores":{"good":0.9,"bad":0.1}},{"scores":{"good":0.8}}]}"#;
    assert_eq!(judge(good), Ok(()));
    let wrong = judge(r#"{"predictions":[{"scores":{"good":0.9}},{"scores":{"bad":0.3}}]}"#).unwrap_err();
    assert!(wrong.ends_with("record 1, output `scores`, element 0: expected 0.3, got 0.2"), "{wrong}");
    let unknown = judge(r#"{"predictions":[{"scores":{"ugly":0.9}},{"scores":{}}]}"#).unwrap_err();
    assert!(unknown.contains("no class `ugly`; it has bad, good"), "{unknown}");
}
