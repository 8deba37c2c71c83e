//! How many sessions, and how many threads each run has. Pure.
//!
//! Two runs on a thread each are faster than one after the other on two threads, but a caller who is alone waits longer. And
//! each session has its own copy of the weights. So a fast model gets a session for each processor. A model that takes long
//! gets several threads for a run if they shorten it almost as much as they are many. A large model gets as many sessions as
//! fit into the memory, and the other processors are threads of their runs.

use std::{num::NonZeroUsize, time::Duration};

/// Sessions may take this part of the memory of the process: the rest is for requests.
const SHARE: u64 = 2;
/// Memory of a session for each byte of its files: the weights, and those that ONNX Runtime has arranged for the processor.
const COPIES: u64 = 2;
/// A model that takes longer may gain from several threads in a run.
const LONG: Duration = Duration::from_millis(20);
/// Most threads that are tried for a run. More seldom pay.
const TRIED: usize = 4;
/// So many threads must make a run this many times faster, as a part of their number.
const GAIN: f64 = 0.75;

/// How runs share the processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parallelism {
    /// Runs at the same time.
    pub sessions: NonZeroUsize,
    /// Threads of a run.
    pub intra_op: NonZeroUsize,
}

/// What is wanted. The rest is chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Runs at the same time.
    pub sessions: Option<NonZeroUsize>,
    /// Threads of a run.
    pub intra_op: Option<NonZeroUsize>,
}

/// What the process has.
#[derive(Debug, Clone, Copy)]
pub struct Resources {
    /// Processors.
    pub processors: NonZeroUsize,
    /// Memory that it may allocate, in bytes. `None` if the system does not say.
    pub memory: Option<u64>,
}

impl Parallelism {
    /// What is wanted, and for the rest, the choice before anything is measured. `files` is the size of the model and of the
    /// graphs before it in bytes.
    pub(super) fn of(Wanted { sessions, intra_op }: Wanted, resources: Resources, files: u64) -> Self {
        let processors = resources.processors;
        let share = |by: NonZeroUsize| at_least_one(processors.get() / by.get());
        let fitting = || fitting(resources.memory, files);
        match (sessions, intra_op) {
            (Some(sessions), intra_op) => {
                Self { sessions, intra_op: intra_op.unwrap_or_else(|| share(sessions)) }
            }
            (None, Some(intra_op)) => Self { sessions: share(intra_op).min(fitting()), intra_op },
            (None, None) => {
                let sessions = processors.min(fitting());
                Self { sessions, intra_op: share(sessions) }
            }
        }
    }

    /// Threads for a run that are worth a trial, after a run on one thread took `latency`.
    pub(super) fn to_try(self, wanted: Wanted, latency: Duration) -> Option<NonZeroUsize> {
        let is_free = wanted.sessions.is_none() && wanted.intra_op.is_none() && self.intra_op.get() == 1;
        let threads = self.sessions.get().min(TRIED);
        (is_free && threads > 1 && latency >= LONG).then(|| at_least_one(threads))
    }

    /// The same processors with so many threads for each run, which then takes `tried` instead of `latency`. `None` if that
    /// does not pay.
    pub(super) fn with_threads(
        self,
        intra_op: NonZeroUsize,
        latency: Duration,
        tried: Duration,
    ) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "at most 4")]
        let least = GAIN * intra_op.get() as f64;
        let pays = latency.as_secs_f64() >= least * tried.as_secs_f64();
        pays.then(|| Self { sessions: at_least_one(self.sessions.get() / intra_op.get()), intra_op })
    }
}

/// Sessions whose weights fit into the memory.
fn fitting(memory: Option<u64>, files: u64) -> NonZeroUsize {
    let Some(memory) = memory else { return NonZeroUsize::MAX };
    let fitting = (memory / SHARE) / files.saturating_mul(COPIES).max(1);
    at_least_one(usize::try_from(fitting).unwrap_or(usize::MAX))
}

fn at_least_one(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn number(number: usize) -> NonZeroUsize {
        NonZeroUsize::new(number).unwrap()
    }

    fn resources(processors: usize, memory: u64) -> Resources {
        Resources { processors: number(processors), memory: Some(memory * MB) }
    }

    fn wanted(sessions: usize, intra_op: usize) -> Wanted {
        Wanted { sessions: NonZeroUsize::new(sessions), intra_op: NonZeroUsize::new(intra_op) }
    }

    fn layout(sessions: usize, intra_op: usize) -> Parallelism {
        Parallelism { sessions: number(sessions), intra_op: number(intra_op) }
    }

    #[test]
    fn a_small_model_has_a_session_for_each_processor() {
        assert_eq!(Parallelism::of(Wanted::default(), resources(8, 512), 3 * MB), layout(8, 1));
    }

    #[test]
    fn a_large_model_has_the_sessions_that_fit_and_threads_in_each_run() {
        let of = |resources, files| Parallelism::of(Wanted::default(), resources, files);
        assert_eq!(of(resources(16, 4096), 500 * MB), layout(2, 8));
        assert_eq!(of(resources(4, 1024), 800 * MB), layout(1, 4), "there is always one session");
    }

    #[test]
    fn what_is_wanted_is_done_and_the_rest_follows() {
        let of = |wanted, resources, files| Parallelism::of(wanted, resources, files);
        assert_eq!(of(wanted(3, 5), resources(4, 64), 800 * MB), layout(3, 5));
        assert_eq!(of(wanted(2, 0), resources(8, 512), 3 * MB), layout(2, 4));
        assert_eq!(of(wanted(0, 4), resources(8, 512), 3 * MB), layout(2, 4));
        assert_eq!(of(wanted(0, 4), resources(2, 512), 3 * MB), layout(1, 4));
    }

    #[test]
    fn several_threads_for_a_run_are_tried_only_with_a_model_that_takes_long() {
        let (short, long) = (Duration::from_millis(5), Duration::from_millis(50));
        let to_try = |layout: Parallelism, latency| layout.to_try(Wanted::default(), latency);
        assert_eq!(to_try(layout(8, 1), short), None);
        assert_eq!(to_try(layout(8, 1), long), Some(number(4)));
        assert_eq!(to_try(layout(2, 1), long), Some(number(2)));
        assert_eq!(to_try(layout(1, 1), long), None, "there is one processor");
        assert_eq!(to_try(layout(2, 8), long), None, "it has several already");
        assert_eq!(layout(8, 1).to_try(wanted(8, 0), long), None, "the number of sessions is wanted");
    }

    #[test]
    fn several_threads_are_used_only_if_they_shorten_the_run_almost_by_their_number() {
        let ms = Duration::from_millis;
        assert_eq!(layout(8, 1).with_threads(number(4), ms(90), ms(30)), Some(layout(2, 4)));
        assert_eq!(layout(8, 1).with_threads(number(4), ms(90), ms(31)), None);
    }
}
