//! The newest rows, as JSON lines.

use serde_json::{Value, json};
use understudy_server::{
    call::{Call, Shadow},
    tensor::{Data, Tensor},
};

use crate::{
    calls::{answered, call, challenger},
    folder,
    setup::{Process, Setup},
};

fn lines(process: &Process, limit: usize) -> Vec<Value> {
    let text = String::from_utf8(process.ring.newest(limit)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn without_a_sink_the_newest_rows_stay_in_memory_and_no_row_is_due() {
    let setup = Setup::new();
    let mut process = setup.start_in(&setup.path("spool"), None);
    process.record(0..1500);
    assert_eq!(process.ring.rows(), 1000);
    assert_eq!(ids(&lines(&process, 3)), ["call-1499", "call-1498", "call-1497"]);
    assert_eq!(lines(&process, 5000).len(), 1000);
    assert_eq!(process.finish().await.due, 0);
    assert_eq!(setup.spool(), [""; 0], "nothing is written without a sink");
}

#[tokio::test]
async fn a_json_line_has_the_same_values_as_the_row_in_the_file() {
    let setup = Setup::new();
    let mut process = setup.start(setup.pvc());
    let shadow = Shadow::Answered { by: challenger(), answered: answered(0, 0.25, 4321) };
    process.call(Call { challenger: shadow, ..call(7) });
    let line = lines(&process, 1).remove(0);
    process.finish().await;
    let row = setup.rows().remove(0);
    let line = line.as_object().unwrap();
    assert_eq!(line.keys().collect::<std::collections::BTreeSet<_>>(), row.keys().collect());
    for (name, value) in line {
        if name == "time" {
            assert_eq!(value, "2026-11-21T09:30:45.007000Z");
        } else {
            assert_eq!(value, &row[name], "{name}");
        }
    }
    let file = &folder::files(&setup.path("pvc"))[0];
    assert_eq!(folder::names(file).len(), line.len());
}

#[tokio::test]
async fn nan_and_infinity_are_null() {
    let setup = Setup::new();
    let mut process = setup.start_in(&setup.path("spool"), None);
    let data = Data::Fp32(vec![f32::NAN, f32::NEG_INFINITY, 1.5]);
    process.call(Call { inputs: vec![Tensor { shape: vec![1, 3], data }], ..call(1) });
    let line = lines(&process, 1).remove(0);
    assert_eq!(line["input_age"], json!([null]));
    assert_eq!(line["input_amount"], json!([null]));
    assert_eq!(line["input_hour"], json!([1.5]));
}

#[tokio::test]
async fn fewer_large_rows_stay_in_memory_and_a_huge_one_is_ignored() {
    let mut setup = Setup::new();
    setup.settings.max_elements = usize::MAX;
    let mut process = setup.start_in(&setup.path("spool"), None);
    let wide = |number, rows: usize| {
        let shape = vec![i64::try_from(rows).unwrap(), 3];
        let inputs = vec![Tensor { shape, data: Data::Fp32(vec![0.5; 3 * rows]) }];
        Call { inputs, ..call(number) }
    };
    // Each needs slightly more than 1 MB.
    for number in 0..10 {
        process.call(wide(number, 90_000));
    }
    assert_eq!(ids(&lines(&process, 10)), ["call-9", "call-8", "call-7"]);
    process.call(wide(10, 900_000));
    assert_eq!(ids(&lines(&process, 10)), ["call-9", "call-8", "call-7"]);
    process.record(11..12);
    assert_eq!(ids(&lines(&process, 1)), ["call-11"]);
}
