//! The first inferences: they reproduce the examples, or find synthetic inputs, and warm up the sessions.

use std::time::{Duration, Instant};

use understudy_contract::{Failure, Reason, probe::Proof};

use crate::{
    examples::{self, Examples, ExamplesFile, Reproduced},
    output::Output,
    session::{RunError, Trial},
    signature::Signature,
    tensor::Tensor,
    warm_up::{self, Found},
};

/// Warm-up runs of the first session: enough for a median. They end earlier if they take longer than [`MAX_WARM_UP`] together.
const RUNS: usize = 15;
const MAX_WARM_UP: Duration = Duration::from_millis(15);
/// Longest error of a warm-up that the operator learns, in bytes.
const MAX_ERROR: usize = 1024;
/// What is known before the sessions are warmed up.
pub(super) struct Prepared {
    pub inputs: Vec<Tensor>,
    pub proof: Proof,
    pub examples: Examples,
}

/// Reproduces the examples.
pub(super) fn reproduce(
    file: &ExamplesFile,
    session: &mut impl Trial,
    signature: &mut Signature,
    features: Option<&[String]>,
    max_run: Duration,
) -> Result<Prepared, Failure> {
    let mut is_first = true;
    let mut run = |inputs: &[Tensor], signature: &mut Signature| -> Result<Vec<Output>, String> {
        let until = Instant::now() + max_run;
        let answer = if std::mem::take(&mut is_first) {
            session.first(inputs, signature, until)
        } else {
            session.answer(inputs, signature, until)
        };
        answer.map_err(|error| match error {
            RunError::Stopped => format!("{error} after {} s", max_run.as_secs_f64()),
            error => error.to_string(),
        })
    };
    let Reproduced { examples, inputs } = examples::reproduce(file, signature, features, &mut run)?;
    let count = examples.count();
    tracing::info!(count, "reproduced the examples");
    Ok(Prepared { inputs, proof: Proof::Examples { count }, examples })
}

/// Tries synthetic inputs. A model that fails on all of them may answer its callers nevertheless.
pub(super) fn try_synthetic(
    session: &mut impl Trial,
    signature: &mut Signature,
    max_run: Duration,
) -> Result<Prepared, Failure> {
    let examples = Examples::default();
    match warm_up::find(session, signature, max_run)? {
        Found::Works(inputs) => {
            session.first(&inputs, signature, Instant::now() + max_run).map_err(failed)?;
            Ok(Prepared { inputs, proof: Proof::Synthetic, examples })
        }
        Found::Nothing { simplest, error } => {
            if let Some(port) = signature.outputs.iter().find(|port| port.classes.is_some()) {
                let message = format!(
                    "{error}; the names of the classes of output `{}` are unknown without an answer: publish it with spec.examples",
                    port.name
                );
                return Err(Failure::new(Reason::WarmUpFailed, message));
            }
            tracing::warn!(
                error,
                "no synthetic input works: nothing is known about whether the model answers"
            );
            Ok(Prepared { inputs: simplest, proof: Proof::Missing { error: shortened(error) }, examples })
        }
    }
}

fn failed(error: RunError) -> Failure {
    let reason = match error {
        RunError::Broken(_) => Reason::InvalidRuntime,
        _ => Reason::WarmUpFailed,
    };
    Failure::new(reason, error)
}

/// The error as it is reported.
fn shortened(mut error: String) -> String {
    error.truncate(error.floor_char_boundary(MAX_ERROR));
    error
}

/// Runs these sessions once, so that no caller waits for what a session does in its first run.
pub(super) fn warm(sessions: &mut [impl Trial], inputs: &[Tensor], max_run: Duration) -> Result<(), Failure> {
    sessions
        .iter_mut()
        .try_for_each(|session| session.attempt(inputs, Instant::now() + max_run).map_err(failed))
}

/// Warms up a session. Returns the median time of an inference.
pub(super) fn median(
    session: &mut impl Trial,
    inputs: &[Tensor],
    max_run: Duration,
) -> Result<Duration, Failure> {
    let begin = Instant::now();
    let mut times = Vec::with_capacity(RUNS);
    while times.is_empty() || (times.len() < RUNS && begin.elapsed() < MAX_WARM_UP) {
        let start = Instant::now();
        session.attempt(inputs, start + max_run).map_err(failed)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}
