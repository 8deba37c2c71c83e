//! Compares an accepted answer with the outputs of the model, slowly and simply.

use serde_json::value::RawValue;
use understudy_server::{
    codec::{InferRequest, predict},
    examples::Tolerance,
    signature::Signature,
    view::View,
};

use super::model::{features, outputs, rows, signature};
use crate::reference;

/// Panics unless the answer has what the model answers.
pub fn same(request: &RawValue, answer: &RawValue, tolerance: Tolerance) {
    let body = request.get().as_bytes();
    let answer = reference::members(answer).expect("an accepted answer is an object");
    let request = reference::members(request).expect("an accepted request is an object");
    if request.contains_key("records") {
        predictions(body, &answer["predictions"], tolerance);
    } else {
        tensors(body, &answer["outputs"], tolerance);
    }
}

/// The position of an output.
fn output(signature: &Signature, name: &str) -> usize {
    signature.output(name).expect("an accepted answer names outputs of the model")
}

fn predictions(body: &[u8], predictions: &RawValue, tolerance: Tolerance) {
    let signature = signature();
    let (_, records) = predict::read(body, &signature, Some(&features())).expect("an accepted request");
    let outputs = outputs(records);
    let predictions = reference::items(predictions).expect("a list of predictions");
    assert_eq!(predictions.len(), records, "a prediction for each record");
    for (record, prediction) in predictions.iter().enumerate() {
        let prediction = reference::members(prediction).expect("a prediction is an object");
        assert!(!prediction.is_empty(), "a prediction names outputs");
        for (name, value) in prediction {
            let position = output(&signature, &name);
            let width = outputs[position].count() / records;
            let view = outputs[position].view();
            if let Some(scores) = reference::members(&value) {
                let classes = signature.outputs[position].classes.as_ref().expect("names of classes");
                for (class, score) in scores {
                    let class = classes.names.iter().position(|name| *name == class).expect("a class");
                    elements(&[score.get().to_owned()], view, record * width + class, tolerance);
                }
            } else {
                let leaves = leaves(&value);
                assert_eq!(leaves.len(), width, "all values of a prediction");
                elements(&leaves, view, record * width, tolerance);
            }
        }
    }
}

fn tensors(body: &[u8], expected: &RawValue, tolerance: Tolerance) {
    let signature = signature();
    let request = InferRequest::read(body, None, &signature).expect("an accepted request");
    let outputs = outputs(rows(&request.inputs));
    let expected = reference::items(expected).expect("a list of outputs");
    assert!(!expected.is_empty(), "an answer names outputs");
    for tensor in expected {
        let tensor = reference::members(&tensor).expect("an output is an object");
        let name: String = serde_json::from_str(tensor["name"].get()).expect("a name");
        let position = output(&signature, &name);
        if let Some(shape) = tensor.get("shape") {
            let shape: Vec<i64> = serde_json::from_str(shape.get()).expect("a shape");
            assert_eq!(shape, outputs[position].shape());
        }
        let leaves = leaves(&tensor["data"]);
        assert_eq!(leaves.len(), outputs[position].count(), "all elements");
        elements(&leaves, outputs[position].view(), 0, tolerance);
    }
}

/// The values in lists of any length and depth.
fn leaves(raw: &RawValue) -> Vec<String> {
    match reference::items(raw) {
        Some(items) => items.iter().flat_map(|item| leaves(item)).collect(),
        None => vec![raw.get().to_owned()],
    }
}

/// Panics unless these are the elements from `begin` on.
#[expect(clippy::cast_possible_truncation, reason = "the server rounds to 64 bits first, too")]
fn elements(leaves: &[String], view: View<'_>, begin: usize, tolerance: Tolerance) {
    for (position, leaf) in (begin..).zip(leaves) {
        let is_same = match view {
            View::Fp32(all) => near(leaf, all[position].into(), tolerance, |number| {
                number.parse::<f64>().ok().map(|number| f64::from(number as f32))
            }),
            View::Fp64(all) => near(leaf, all[position], tolerance, |number| number.parse().ok()),
            View::Int64(all) => whole(leaf) == Some(all[position].into()),
            View::Uint64(all) => whole(leaf) == Some(all[position].into()),
            View::Bool(all) => *leaf == all[position].to_string(),
            View::Bytes(all) => serde_json::from_str(leaf).ok().as_ref() == Some(&all[position]),
            other => unreachable!("{other:?} is no output of this model"),
        };
        assert!(is_same, "{leaf} was accepted for element {position} of {view:?}");
    }
}

fn near(
    leaf: &str,
    got: f64,
    Tolerance { absolute, relative }: Tolerance,
    read: impl Fn(&str) -> Option<f64>,
) -> bool {
    match read(leaf) {
        Some(expected) if expected.is_finite() && got.is_finite() => {
            (got - expected).abs() <= absolute + relative * expected.abs()
        }
        _ => leaf == "null" && !got.is_finite(),
    }
}

/// An integer, which may be written as a float.
fn whole(leaf: &str) -> Option<i128> {
    let float = || leaf.parse::<f64>().ok().filter(|float| float.fract() == 0.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction, and no integer of 64 bits is the largest of 128"
    )]
    leaf.parse().ok().or_else(|| float().map(|float| float as i128))
}
