//! One run of the model for several requests.

use std::{sync::MutexGuard, time::Duration};

use tokio::sync::oneshot;

use super::steps::{Completion, Limit, Shared, Task};
use crate::{
    batch::Batching,
    error::Refusal,
    exchange::{Decoded, EncodedResponse},
    session::Session,
    tensor::Tensor,
};

/// A request that can run.
pub(super) struct Ready {
    pub(super) task: Task,
    pub(super) decoded: Decoded,
    pub(super) completed: oneshot::Sender<Completion>,
}

/// Sends a completion to the caller that waits for it.
pub(super) fn complete(
    shared: &Shared,
    task: Task,
    completed: oneshot::Sender<Completion>,
    response: Result<EncodedResponse, Refusal>,
) {
    // An error means that the caller closed the connection in the meantime.
    let _ = completed.send(shared.finish(task, response));
}

/// Runs a request alone. Returns the time of the run, if the model answered.
pub(super) fn run_alone(
    shared: &Shared,
    session: MutexGuard<'_, Box<dyn Session>>,
    Ready { mut task, mut decoded, completed }: Ready,
) -> Option<Duration> {
    let response = shared.infer(session, &mut task, &mut decoded);
    let ran = response.is_ok().then_some(task.timing.infer);
    complete(shared, task, completed, response);
    ran
}

/// Runs all requests, which fit each other, in one run. Returns its time. If that fails, it returns `None` and leaves them as
/// they are: each then runs alone, so that only the one that is wrong fails.
pub(super) fn run_together(
    shared: &Shared,
    batching: &Batching,
    mut session: MutexGuard<'_, Box<dyn Session>>,
    batch: &mut Vec<Ready>,
) -> Option<Duration> {
    let limits = limits(shared, batch);
    let longest = limits.iter().map(|limit| limit.run).max()?;
    let until = batch.last()?.task.laps.end() + longest;
    let requests: Vec<&[Tensor]> = batch.iter().map(|ready| ready.decoded.inputs()).collect();
    let rows: Vec<usize> = requests.iter().filter_map(|inputs| batching.rows_of(inputs)).collect();
    let outputs = session.run(&batching.join(&requests), until);
    drop(session);
    let split = batching.split(&outputs.ok()?, &rows)?;
    let together = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    // Before the first response is encoded, for which the others wait.
    for ready in &mut *batch {
        ready.task.timing.infer = ready.task.laps.inference();
    }
    let ran = batch.first()?.task.timing.infer;
    for (number, ((ready, outputs), limit)) in batch.drain(..).zip(split).zip(limits).enumerate() {
        let Ready { mut task, mut decoded, completed } = ready;
        // They share one run.
        task.timing.executions = u64::from(number == 0);
        task.together = together;
        let response = shared.answer(&mut task, &mut decoded, Ok(outputs), limit);
        complete(shared, task, completed, response);
    }
    Some(ran)
}

/// How long the run may take for each request. Those whose time is over are refused and removed.
fn limits(shared: &Shared, batch: &mut Vec<Ready>) -> Vec<Limit> {
    let mut limits = Vec::with_capacity(batch.len());
    for ready in std::mem::take(batch) {
        match shared.limit(&ready.task, &ready.decoded) {
            Ok(limit) => {
                limits.push(limit);
                batch.push(ready);
            }
            Err(refusal) => complete(shared, ready.task, ready.completed, Err(refusal)),
        }
    }
    limits
}
