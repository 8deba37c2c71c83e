//! `/predict`: named columns.

use rstest::rstest;
use serde_json::json;

use crate::{
    client::{Connection, Response},
    harness::Server,
};

fn predict(server: &Server, body: &str) -> Response {
    Connection::open(server.main).post("/predict", body)
}

#[test]
fn each_column_is_an_input_of_the_model() {
    let server = Server::start("columns.onnx");
    let records = r#"{"records":[{"age":42,"country":"NL"},{"country":"DE","age":7}]}"#;
    let expected = json!({"predictions": [{"years": 42, "home": "NL"}, {"years": 7, "home": "DE"}]});
    assert_eq!(predict(&server, records).json(), expected);
}

#[rstest]
#[case::no_records("{}", "expected {\"records\"")]
#[case::empty(r#"{"records":[]}"#, "at least one record")]
#[case::no_object(r#"{"records":[[1,2]]}"#, "record 0 is not an object")]
#[case::missing(r#"{"records":[{"age":1,"country":"NL"},{"age":1}]}"#, "record 1 has no column `country`")]
#[case::unknown(
    r#"{"records":[{"age":1,"country":"NL","agee":2}]}"#,
    "unknown column `agee`; the model has `age`, `country`"
)]
#[case::wrong_type(r#"{"records":[{"age":"old","country":"NL"}]}"#, "input `age`")]
#[case::null(r#"{"records":[{"age":null,"country":"NL"}]}"#, "input `age`")]
#[case::no_json("records", "invalid JSON")]
fn the_message_for_a_bad_record_names_the_mistake(#[case] body: &str, #[case] expected: &str) {
    let server = Server::start("columns.onnx");
    let message = predict(&server, body).error(400);
    assert!(message.contains(expected), "{message}");
}

#[test]
fn named_features_are_put_into_the_vector_in_the_models_order() {
    let server = Server::start("named_vector.onnx");
    let records = r#"{"records":[{"weight":3,"age":1,"height":2},{"age":4,"height":5,"weight":6}]}"#;
    assert_eq!(
        predict(&server, records).json(),
        json!({"predictions": [{"score": 321.0}, {"score": 654.0}]})
    );
    assert!(predict(&server, r#"{"records":[{"age":1}]}"#).error(400).contains("`height`"));
    let whole = predict(&server, r#"{"records":[{"features":[1,2,3]}]}"#);
    assert_eq!(whole.json(), json!({"predictions": [{"score": 321.0}]}));
}

#[test]
fn a_vector_without_names_is_one_list() {
    let server = Server::start("nameless_vector.onnx");
    let message = predict(&server, r#"{"records":[{"age":1,"height":2,"weight":3}]}"#).error(400);
    assert!(message.contains("feature_names") && message.contains("`features`"), "{message}");
    let whole = predict(&server, r#"{"records":[{"features":[1,2,3]},{"features":[4,5,6]}]}"#);
    assert_eq!(whole.json(), json!({"predictions": [{"score": 321.0}, {"score": 654.0}]}));
    assert!(predict(&server, r#"{"records":[{"features":[1,2]}]}"#).error(400).contains("[-1,3]"));
}

/// Six values in two records fill two rows of three. But no value may get into the row of another record.
#[rstest]
#[case::of_different_lengths(
    r#"[{"features":[1,2]},{"features":[3,4,5,6]}]"#,
    "record 1 has values of the shape [4], record 0 of [2]"
)]
#[case::of_another_nesting(r#"[{"features":[[1,2,3],[4,5,6]]}]"#, "[-1,3]")]
#[case::of_uneven_lists(
    r#"[{"features":[[1,2],[3]]}]"#,
    "record 0, column `features`: input `features`: the nested lists are not all of the same length and depth"
)]
fn a_row_gets_the_values_of_its_own_record(#[case] records: &str, #[case] expected: &str) {
    let server = Server::start("nameless_vector.onnx");
    let message = predict(&server, &format!(r#"{{"records":{records}}}"#)).error(400);
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_named_feature_is_one_value() {
    let server = Server::start("named_vector.onnx");
    let message = predict(&server, r#"{"records":[{"age":[1,2],"height":3,"weight":[]}]}"#).error(400);
    assert!(message.contains("record 0 has a list in `age`"), "{message}");
}
