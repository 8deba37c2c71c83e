//! Runs the examples of a file, one after the other, until one differs.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::PathBuf,
};

use understudy_contract::{Failure, Reason};

use super::{element::Tolerance, expected::Answered, flaw::Flaw, line, shown::Examples};
use crate::{
    api::Api,
    codec::{InferRequest, predict},
    output::Output,
    signature::Signature,
    tensor::Tensor,
};

/// Largest file in bytes.
pub const MAX_FILE: u64 = 64 << 20;
/// Largest line in bytes. An image of 1000 by 1000 points fits.
const MAX_LINE: usize = 16 << 20;
/// Most examples. Each start of a pod waits for all of them.
const MAX_LINES: usize = 1000;

/// A file of examples in the work directory, with a checked digest.
#[derive(Debug, Clone)]
pub struct ExamplesFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its URI, for messages.
    pub uri: String,
    /// How far an answer may be from the expected one.
    pub tolerance: Tolerance,
}

/// The result for a file that the model reproduces.
#[derive(Debug)]
pub struct Reproduced {
    /// All of them.
    pub examples: Examples,
    /// The inputs of the smallest one.
    pub inputs: Vec<Tensor>,
}

/// Runs the model on one tensor for each of its inputs. The first run adds to the signature what only outputs show.
pub type Run<'r> = dyn FnMut(&[Tensor], &mut Signature) -> Result<Vec<Output>, String> + 'r;

/// Runs all examples of a file.
///
/// Fails with `InvalidExamples` if a line is not an example of this model, and with `ExamplesDiffer` at the first one whose
/// answer the model does not reproduce.
pub fn reproduce(
    file: &ExamplesFile,
    signature: &mut Signature,
    features: Option<&[String]>,
    run: &mut Run<'_>,
) -> Result<Reproduced, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Reason::StartFailed, format!("failed to read {}: {error}", file.path.display()))
    };
    let mut reader = BufReader::new(File::open(&file.path).map_err(unreadable)?);
    let (mut examples, mut smallest) = (Examples::default(), None::<(usize, Vec<Tensor>)>);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        // One byte more than a line may have, and its end.
        let most = MAX_LINE as u64 + 2;
        if reader.by_ref().take(most).read_until(b'\n', &mut text).map_err(unreadable)? == 0 {
            break;
        }
        let flawed = |flaw: Flaw| flaw.in_line(number, &file.uri);
        if text.len() as u64 == most {
            return Err(flawed(Flaw::Invalid(format!("it is longer than {MAX_LINE} bytes"))));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        if examples.count() == MAX_LINES as u64 {
            let what = format!(
                "the file has more than {MAX_LINES} examples: each start of a pod would wait for them"
            );
            return Err(flawed(Flaw::Invalid(what)));
        }
        let line = line::read(&text).map_err(flawed)?;
        let inputs = one(&line, file, signature, features, run).map_err(flawed)?;
        let bytes = inputs.iter().map(Tensor::bytes).sum();
        if smallest.as_ref().is_none_or(|(least, _)| bytes < *least) {
            smallest = Some((bytes, inputs));
        }
        examples.add(&line);
    }
    let (_, inputs) = smallest
        .ok_or_else(|| Failure::new(Reason::InvalidExamples, format!("{} has no examples", file.uri)))?;
    Ok(Reproduced { examples, inputs })
}

/// Runs one example, and returns its inputs.
fn one(
    line: &line::Line<'_>,
    file: &ExamplesFile,
    signature: &mut Signature,
    features: Option<&[String]>,
    run: &mut Run<'_>,
) -> Result<Vec<Tensor>, Flaw> {
    let read = match line.api {
        Api::Predict => predict::read(line.request, signature, features),
        _ => InferRequest::read(line.request, None, signature).map(|request| (request, 0)),
    };
    let (request, records) = read.map_err(|refusal| Flaw::Invalid(format!("the request: {refusal}")))?;
    if request.outputs.iter().any(|output| output.best.is_some()) {
        let what = "the request: an example cannot ask for a classification; expect the scores";
        return Err(Flaw::Invalid(what.to_owned()));
    }
    let outputs = run(&request.inputs, signature)
        .map_err(|error| Flaw::Differs(format!("the model does not answer the request: {error}")))?;
    let answered = Answered { signature, outputs: &outputs, tolerance: file.tolerance };
    match line.api {
        Api::Predict => answered.predict(line.response, records)?,
        _ => answered.infer(line.response)?,
    }
    Ok(request.inputs)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
