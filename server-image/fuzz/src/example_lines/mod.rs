//! A file of examples. The first byte chooses the tolerance, the rest is the file.

mod model;
mod same;

use std::path::PathBuf;

use serde_json::value::RawValue;
use understudy_server::{
    codec::{InferRequest, predict, response::Templates},
    examples::{ExamplesFile, Reproduced, Tolerance, reproduce},
};

use crate::{in_memory::in_memory, memory::bounded, reference};
use model::{features, outputs, rows, signature};
use same::same;

const EXACT: Tolerance = Tolerance { absolute: 0.0, relative: 0.0 };
const NEAR: Tolerance = Tolerance { absolute: 0.01, relative: 0.1 };

/// Each line of an accepted file is a request and an answer. Every element that the answer expects is the model's, for a
/// simple comparison. The answer that the server itself gives to a request is an accepted example without any tolerance.
pub fn check(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    let tolerance = if choice % 2 == 0 { EXACT } else { NEAR };
    let (_file, path) = in_memory(text);
    let accepted = bounded(text, 256, 64 << 10, |_| run(path, tolerance)).is_ok();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let example = serde_json::from_slice(line).ok().and_then(reference::members);
        assert!(example.is_some() || !accepted, "an accepted line is an object");
        // Of members with the same name, readers may see different ones.
        let Some(example) = example.filter(|_| !reference::has_duplicates(line)) else { continue };
        if accepted {
            same(&example["request"], &example["response"], tolerance);
        }
        if let Some(answer) = example.get("request").and_then(|request| answer(request)) {
            let text = format!(r#"{{"request":{},"response":{answer}}}"#, example["request"]);
            let (_file, path) = in_memory(text.as_bytes());
            if let Err(message) = run(path, EXACT) {
                panic!("the server's own answer is refused: {message}: {text}");
            }
        }
    }
}

fn run(path: PathBuf, tolerance: Tolerance) -> Result<Reproduced, String> {
    let file = ExamplesFile { path, uri: "pvc://claim/examples.jsonl".to_owned(), tolerance };
    let features = features();
    reproduce(&file, &mut signature(), Some(&features), &mut |inputs, _| Ok(outputs(rows(inputs))))
        .map_err(|failure| failure.message)
}

/// The server's answer to a request. `None` if it has none in JSON.
fn answer(request: &RawValue) -> Option<String> {
    let (signature, features) = (signature(), features());
    let body = request.get().as_bytes();
    let answer = if reference::members(request)?.contains_key("records") {
        let (request, records) = predict::read(body, &signature, Some(&features)).ok()?;
        predict::response(records, &signature, &outputs(rows(&request.inputs))).ok()?
    } else {
        let request = InferRequest::read(body, None, &signature).ok()?;
        if request.outputs.iter().any(|output| output.binary || output.best.is_some()) {
            return None;
        }
        let templates = Templates::new("fraud", "1.3.0", &signature);
        templates.response(&request, &signature, &outputs(rows(&request.inputs))).ok()?.body
    };
    String::from_utf8(answer).ok()
}
