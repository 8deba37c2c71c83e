//! An analyst reads the inputs and outputs of the calls.

use std::time::Duration;

use half::{bf16, f16};
use serde_json::json;
use understudy_server::{
    call::{Answered, Call, Dropped, Shadow},
    records::{Loss, RecordingSettings},
    signature::Signature,
    tensor::{Data, Datatype, Tensor},
};

use crate::{
    calls::{self, MIDNIGHT, MORNING, answered, call, call_at, challenger, port},
    folder,
    setup::{Setup, counts_of, numbers},
};

fn vector(data: Data) -> Tensor {
    Tensor { shape: vec![i64::try_from(data.len()).unwrap()], data }
}

#[tokio::test]
async fn a_row_has_the_call_and_both_responses() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    let shadow = Shadow::Answered { by: challenger(), answered: answered(0, 0.25, 4321) };
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    process.call(Call { challenger: shadow, traceparent: Some(trace.to_owned()), ..call(7) });
    let balance = process.finish().await;
    assert_eq!(counts_of(&balance), [1, 1, 0, 0]);

    let row = setup.rows().remove(0);
    let micros = i64::try_from((MORNING + Duration::from_millis(7)).as_micros()).unwrap();
    for (name, value) in [
        ("id", json!("call-7")),
        ("time", json!(micros)),
        ("deployment", json!("fraud")),
        ("main_version", json!("1.3.0")),
        ("main_digest", json!(format!("sha256:{}", "a".repeat(64)))),
        ("rows", json!(1)),
        ("traceparent", json!(trace)),
        ("main_status", json!(200)),
        ("main_error", json!(null)),
        ("main_latency_us", json!(137)),
        ("challenger_version", json!("1.4.0-rc.1")),
        ("challenger_digest", json!(format!("sha256:{}", "b".repeat(64)))),
        ("challenger_status", json!(200)),
        ("challenger_error", json!(null)),
        ("challenger_latency_us", json!(4321)),
        ("challenger_dropped", json!(null)),
        ("input_age", json!([7.0])),
        ("input_amount", json!([3.5])),
        ("input_hour", json!([9.5])),
        ("main_label", json!([1])),
        ("main_score", json!([0.25, 0.75])),
        ("challenger_label", json!([0])),
        ("challenger_score", json!([0.75, 0.25])),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    for name in ["input_x", "main_label", "main_score", "challenger_label", "challenger_score"] {
        let shape = match name {
            "input_x" => json!([1, 3]),
            name if name.ends_with("label") => json!([1]),
            _ => json!([1, 2]),
        };
        assert_eq!((&row[&format!("{name}_shape")], &row[&format!("{name}_sha256")]), (&shape, &json!(null)));
    }
    assert_eq!(row.len(), 23 + 10, "no other column exists");
}

#[tokio::test]
async fn a_file_name_has_day_time_version_and_pod() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    process.record(0..1);
    process.finish().await;
    let files = folder::files(&setup.path("pvc"));
    let expected =
        "records/risk/fraud/date=2026-11-21/20261121T093045.000000Z-1.3.0-fraud-v1-3-0-7c9f-0.parquet";
    assert_eq!(files, [setup.path("pvc").join(expected)]);
    assert_eq!(folder::names(&files[0])[..3], ["id", "time", "deployment"]);
}

#[tokio::test]
async fn a_request_of_many_rows_has_a_value_for_each_row_in_every_feature() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    let input = Tensor { shape: vec![2, 3], data: Data::Fp32(vec![30.0, 9.5, 7.0, 60.0, 120.0, 23.0]) };
    let outputs = vec![
        vector(Data::Int64(vec![0, 1])),
        Tensor { shape: vec![2, 2], data: Data::Fp32(vec![0.875, 0.125, 0.25, 0.75]) },
    ];
    let main = Answered { outputs, ..answered(0, 0.0, 1) };
    process.call(Call { inputs: vec![input], rows: 2, main, ..call(1) });
    process.finish().await;
    let row = setup.rows().remove(0);
    assert_eq!(row["rows"], 2);
    assert_eq!(row["input_age"], json!([30.0, 60.0]));
    assert_eq!(row["input_amount"], json!([9.5, 120.0]));
    assert_eq!(row["main_label"], json!([0, 1]));
    assert_eq!(row["main_score"], json!([0.875, 0.125, 0.25, 0.75]));
}

#[tokio::test]
async fn a_call_without_a_prediction_is_a_row_without_values() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    let error = Some("input `x` is missing".to_owned());
    let main = Answered { status: 400, error, outputs: vec![], latency: None };
    process.call(Call { inputs: vec![], main, challenger: Shadow::Dropped(Dropped::CircuitOpen), ..call(1) });
    let failed = Answered { status: 500, error: Some("boom".into()), outputs: vec![], latency: None };
    process.call(Call { challenger: Shadow::Answered { by: challenger(), answered: failed }, ..call(2) });
    process.finish().await;
    let rows = setup.rows();
    assert_eq!(rows[0]["main_status"], 400);
    assert_eq!(rows[0]["main_error"], "input `x` is missing");
    assert_eq!(rows[0]["challenger_dropped"], "circuit_open");
    for name in ["main_latency_us", "input_age", "main_label", "challenger_version", "challenger_status"] {
        assert_eq!(rows[0][name], json!(null), "{name}");
    }
    assert_eq!(rows[1]["challenger_status"], 500);
    assert_eq!(rows[1]["challenger_error"], "boom");
    assert_eq!(rows[1]["challenger_label"], json!(null));
    assert_eq!(rows[1]["main_label"], json!([1]));
}

#[tokio::test]
async fn values_of_every_datatype_are_read_back_unchanged() {
    let texts = || vec![String::new(), "é\"\n".to_owned()];
    let given = [
        (Data::Bool(vec![true, false]), json!([true, false])),
        (Data::Uint8(vec![0, u8::MAX]), json!([0, u8::MAX])),
        (Data::Uint16(vec![0, u16::MAX]), json!([0, u16::MAX])),
        (Data::Uint32(vec![0, u32::MAX]), json!([0, u32::MAX])),
        (Data::Uint64(vec![0, u64::MAX]), json!([0, u64::MAX])),
        (Data::Int8(vec![i8::MIN, i8::MAX]), json!([i8::MIN, i8::MAX])),
        (Data::Int16(vec![i16::MIN, i16::MAX]), json!([i16::MIN, i16::MAX])),
        (Data::Int32(vec![i32::MIN, i32::MAX]), json!([i32::MIN, i32::MAX])),
        (Data::Int64(vec![i64::MIN, i64::MAX]), json!([i64::MIN, i64::MAX])),
        (Data::Fp16(vec![f16::from_f32(-1.5), f16::MAX]), json!([-1.5, 65504.0])),
        (Data::Bf16(vec![bf16::from_f32(-1.5), bf16::from_f32(256.0)]), json!([-1.5, 256.0])),
        (Data::Fp32(vec![f32::MIN_POSITIVE, f32::MAX]), json!([f32::MIN_POSITIVE, f32::MAX])),
        (Data::Fp64(vec![f64::MIN_POSITIVE, f64::MAX]), json!([f64::MIN_POSITIVE, f64::MAX])),
        (Data::Bytes(texts()), json!(texts())),
    ];
    let inputs = given.iter().map(|(data, _)| port(&data.datatype().to_string(), data.datatype(), &[-1]));
    let setup = Setup::of(Signature { inputs: inputs.collect(), outputs: vec![] });
    let mut process = setup.start(setup.pvc());
    let inputs = given.iter().map(|(data, _)| vector(data.clone())).collect();
    let main = Answered { outputs: vec![], ..answered(0, 0.0, 1) };
    process.call(Call { inputs, main, ..call(1) });
    assert_eq!(process.finish().await.written, 1);
    let row = setup.rows().remove(0);
    for (data, expected) in &given {
        assert_eq!(&row[&format!("input_{}", data.datatype())], expected, "{}", data.datatype());
    }
    assert_eq!(given.len(), Datatype::ALL.len());
}

#[tokio::test]
async fn a_shape_with_two_variable_dimensions_is_recorded() {
    let signature = Signature {
        inputs: vec![port("image", Datatype::Uint8, &[-1, -1])],
        outputs: vec![port("boxes", Datatype::Fp32, &[-1, -1, 4])],
    };
    let setup = Setup::of(signature);
    let mut process = setup.start(setup.pvc());
    let inputs = vec![Tensor { shape: vec![2, 3], data: Data::Uint8(vec![1, 2, 3, 4, 5, 6]) }];
    let outputs = vec![Tensor { shape: vec![1, 0, 4], data: Data::Fp32(vec![]) }];
    process.call(Call { inputs, main: Answered { outputs, ..answered(0, 0.0, 1) }, ..call(1) });
    process.finish().await;
    let row = setup.rows().remove(0);
    assert_eq!(row["input_image"], json!([1, 2, 3, 4, 5, 6]));
    assert_eq!(row["input_image_shape"], json!([2, 3]));
    assert_eq!(row["main_boxes"], json!([]), "an output without boxes differs from a missing output");
    assert_eq!(row["main_boxes_shape"], json!([1, 0, 4]));
    assert_eq!(row["challenger_boxes_shape"], json!(null));
}

/// For a team whose challenger has other output types: the columns of main stay complete.
#[tokio::test]
async fn challenger_outputs_of_another_datatype_are_missing_and_those_of_main_are_recorded() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    let mut other = answered(0, 0.25, 1);
    other.outputs[1].data = Data::Fp64(vec![0.75, 0.25]);
    process.call(Call { challenger: Shadow::Answered { by: challenger(), answered: other }, ..call(1) });
    assert_eq!(process.finish().await.written, 1);
    let row = setup.rows().remove(0);
    assert_eq!(row["main_score"], json!([0.25, 0.75]));
    assert_eq!((&row["challenger_status"], &row["challenger_score"]), (&json!(200), &json!(null)));
    let error = row["challenger_error"].as_str().unwrap();
    assert!(error.ends_with("output `score` is FP64, the model has FP32"), "{error}");
}

#[tokio::test]
async fn a_call_that_does_not_fit_the_signature_is_counted_as_lost() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    let mut wrong = call(1);
    wrong.inputs[0].data = Data::Int8(vec![1, 2, 3]);
    process.call(wrong);
    let mut short = call(2);
    short.main.outputs.pop();
    process.call(short);
    process.record(3..4);
    let balance = process.finish().await;
    assert_eq!(counts_of(&balance), [3, 1, 2, 0]);
    assert_eq!(balance.lost(Loss::Encode), 2);
    assert_eq!(numbers(&setup.rows()), [3]);
}

#[tokio::test]
async fn a_call_outside_of_the_sample_is_not_recorded() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    process.recorder.record(Call { record: false, ..call(1) }, &calls::main());
    assert_eq!(process.ring.rows(), 0);
    assert_eq!(counts_of(&process.finish().await), [0, 0, 0, 0]);
}

#[tokio::test]
async fn calls_of_two_days_are_in_two_folders_in_any_order() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    for number in 0..100 {
        // Around midnight, slow calls of yesterday end after fast calls of today.
        let at = MIDNIGHT.saturating_sub(Duration::from_millis(1 - number % 2));
        process.call(call_at(number, at));
    }
    assert_eq!(counts_of(&process.finish().await), [100, 100, 0, 0]);
    let folder = |day: &str| setup.path("pvc/records/risk/fraud").join(day);
    let rows = |day| folder::rows(&folder(day));
    assert_eq!(folder::files(&setup.path("pvc")).len(), 2, "one file for each day");
    assert!(numbers(&rows("date=2026-11-21")).iter().all(|number| number % 2 == 0));
    assert!(numbers(&rows("date=2026-11-22")).iter().all(|number| number % 2 == 1));
    assert_eq!(numbers(&setup.rows()).len(), 100);
}

#[tokio::test]
async fn a_call_of_a_third_day_closes_the_older_of_two_open_files() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    for (number, days) in [(0, 0), (1, 1), (2, 2), (3, 0), (4, 2)] {
        process.call(call_at(number, MORNING + Duration::from_hours(24 * days)));
    }
    assert_eq!(counts_of(&process.finish().await), [5, 5, 0, 0]);
    assert_eq!(numbers(&setup.rows()), [0, 1, 2, 3, 4]);
    assert_eq!(folder::files(&setup.path("pvc")).len(), 4, "the first day has two files");
}

/// Protects people whose values must not be recorded.
#[tokio::test]
async fn a_redacted_column_is_neither_in_the_files_nor_among_the_newest_rows() {
    let mut setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    process.record(0..3);
    setup.settings = RecordingSettings { redact: vec!["age".into(), "score".into()], ..setup.settings };
    process.recorder.set(Some(&setup.settings));
    assert_eq!(process.ring.rows(), 0, "the rows before still have the values");
    process.record(3..5);
    let newest = String::from_utf8(process.ring.newest(10)).unwrap();
    assert_eq!(newest.lines().count(), 2);
    assert!(!newest.contains("age") && !newest.contains("score"), "{newest}");
    assert!(newest.contains("input_amount") && newest.contains("main_label"), "{newest}");
    assert_eq!(counts_of(&process.finish().await), [5, 5, 0, 0]);

    let files = folder::files(&setup.path("pvc"));
    assert_eq!(files.len(), 2, "all rows of a file have the same columns");
    assert!(folder::names(&files[0]).contains(&"input_age".to_owned()));
    let names = folder::names(&files[1]);
    for name in ["input_age", "main_score", "challenger_score"] {
        assert!(!names.contains(&name.to_owned()), "{name}");
    }
    assert_eq!(numbers(&setup.rows()), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_file_is_closed_when_it_is_old_enough_and_not_before() {
    let setup = Setup::new();
    let mut process = setup.start(setup.unmounted_pvc());
    let begun = tokio::time::Instant::now();
    process.record(0..1);
    process.recorder.tick(begun + Duration::from_secs(59));
    assert_eq!((setup.count("open"), setup.count("parquet")), (1, 0));
    process.recorder.tick(begun + Duration::from_secs(61));
    assert_eq!((setup.count("open"), setup.count("parquet")), (0, 1));
    assert_eq!(setup.spool().len(), 1, "the journal is removed as well");
    process.kill();
}

#[tokio::test]
async fn a_file_is_closed_when_it_is_large_enough() {
    let mut setup = Setup::new();
    setup.spool_bytes = 8 << 20;
    let mut process = setup.start(setup.pvc());
    // A file has at most a quarter of the spool's budget, here about 40,000 rows.
    process.record(0..150_000);
    process.finish().await;
    let files = folder::files(&setup.path("pvc"));
    assert!(files.len() > 1, "{files:?}");
    for file in files {
        assert!(file.metadata().unwrap().len() <= 3 << 20, "{}", file.display());
    }
    assert_eq!(numbers(&setup.rows()).len(), 150_000);
}

#[tokio::test]
async fn rows_that_were_due_before_recording_was_switched_off_are_written() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    process.record(0..2);
    process.recorder.set(None);
    assert_eq!(process.ring.rows(), 0, "the newest rows stay in memory only while recording is on");
    process.record(2..3);
    assert_eq!(process.ring.rows(), 0);
    assert_eq!(counts_of(&process.finish().await), [3, 3, 0, 0]);
    assert_eq!(numbers(&setup.rows()), [0, 1, 2]);
}
