//! Tensors with more elements than a row may have.

use serde_json::{Value, json};
use understudy_server::{
    call::{Answered, Call, Shadow},
    records::RecordingSettings,
    tensor::{Data, Tensor},
};

use crate::{
    calls::{answered, call, challenger},
    folder,
    setup::{Process, Setup, counts_of, numbers},
};

/// `head -c 36 /dev/zero | sha256sum`: nine 32-bit floats.
const NINE_ZEROS: &str = "6db65fd59fd356f6729140571b5bcd6bb3b83492a16e1bf0a3884442fc3c8a0e";

fn with_limit(max_elements: usize) -> Setup {
    let mut setup = Setup::new();
    setup.settings.max_elements = max_elements;
    setup
}

/// A call of this many rows whose numbers are all 0.
fn zeros(number: u64, rows: usize) -> Call {
    let tensor = |shape: &[usize], data| {
        let shape = shape.iter().map(|extent| i64::try_from(*extent).unwrap()).collect();
        Tensor { shape, data }
    };
    let outputs = || {
        let score = tensor(&[rows, 2], Data::Fp32(vec![0.0; 2 * rows]));
        vec![tensor(&[rows], Data::Int64(vec![0; rows])), score]
    };
    let answered = || Answered { outputs: outputs(), ..answered(0, 0.0, 1) };
    Call {
        inputs: vec![tensor(&[rows, 3], Data::Fp32(vec![0.0; 3 * rows]))],
        rows: rows as u64,
        main: answered(),
        challenger: Shadow::Answered { by: challenger(), answered: answered() },
        ..call(number)
    }
}

fn newest(process: &Process) -> Value {
    serde_json::from_slice(&process.ring.newest(1)).unwrap()
}

/// Protects the sink from images and huge batches, and lets an analyst still find the calls with the same input.
#[tokio::test]
async fn a_tensor_with_more_elements_in_a_column_is_in_the_row_by_shape_and_sha256() {
    let setup = with_limit(2);
    let mut process = setup.start(setup.pvc());
    process.call(zeros(1, 2));
    process.call(zeros(2, 3));
    let line = newest(&process);
    assert_eq!(counts_of(&process.finish().await), [2, 2, 0, 0]);
    let rows = setup.rows();
    let (within, beyond) = (&rows[0], &rows[1]);
    assert_eq!((&within["input_age"], &within["input_x_sha256"]), (&json!([0.0, 0.0]), &json!(null)));
    assert_eq!(within["main_label"], json!([0, 0]));
    // An output is one column, and here it has two numbers in each row.
    assert_eq!((&within["main_score"], &within["main_score_shape"]), (&json!(null), &json!([2, 2])));
    for name in
        ["input_age", "input_amount", "input_hour", "main_label", "challenger_label", "challenger_score"]
    {
        assert_eq!(beyond[name], json!(null), "{name}");
    }
    assert_eq!((&beyond["rows"], &beyond["input_x_shape"]), (&json!(3), &json!([3, 3])));
    assert_eq!(beyond["input_x_sha256"], NINE_ZEROS);
    assert_eq!(beyond["main_label_sha256"], beyond["challenger_label_sha256"]);
    assert_ne!(beyond["main_label_sha256"], beyond["input_x_sha256"]);
    for (name, value) in line.as_object().unwrap() {
        assert!(name == "time" || *value == beyond[name], "{name}: {value}, in the file {}", beyond[name]);
    }
}

/// Protects a value that must not be recorded: the SHA-256 of a tensor tells something about every part of it.
#[tokio::test]
async fn a_large_tensor_with_a_redacted_feature_has_neither_elements_nor_sha256() {
    let mut setup = with_limit(2);
    setup.settings.redact = vec!["age".to_owned()];
    let mut process = setup.start(setup.pvc());
    process.call(zeros(1, 3));
    assert!(!newest(&process).to_string().contains(NINE_ZEROS));
    process.finish().await;
    let row = setup.rows().remove(0);
    assert_eq!((&row["input_amount"], &row["input_x_shape"]), (&json!(null), &json!([3, 3])));
    assert!(!row.contains_key("input_x_sha256") && row.contains_key("main_score_sha256"));
}

/// For an analyst who reads the files before and after a change of the limit as one table.
#[tokio::test]
async fn another_limit_starts_another_file_and_keeps_the_newest_rows() {
    let mut setup = with_limit(2);
    let mut process = setup.start(setup.pvc());
    process.call(zeros(1, 3));
    setup.settings = RecordingSettings { max_elements: 3, ..setup.settings };
    process.recorder.set(Some(&setup.settings));
    process.call(zeros(2, 3));
    assert_eq!(process.ring.rows(), 2);
    process.finish().await;
    assert_eq!(folder::files(&setup.path("pvc")).len(), 2);
    let rows = setup.rows();
    assert_eq!(numbers(&rows), [1, 2]);
    let age = |id: &str| rows.iter().find(|row| row["id"] == id).map(|row| row["input_age"].clone());
    assert_eq!((age("call-1"), age("call-2")), (Some(json!(null)), Some(json!([0.0, 0.0, 0.0]))));
}

/// Protects the memory of the pod: many calls with large tensors need no more of it than small ones.
#[tokio::test]
async fn the_newest_rows_do_not_hold_the_elements_of_large_tensors() {
    let setup = with_limit(4096);
    let mut process = setup.start_in(&setup.path("spool"), None);
    for number in 0..50 {
        // About a megabyte: four of them would fill the ring.
        process.call(zeros(number, 30_000));
    }
    assert_eq!(process.ring.rows(), 50);
    assert_eq!(newest(&process)["input_x_shape"], json!([30_000, 3]));
}
