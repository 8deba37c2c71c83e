//! Plays traces, each on a runtime of its own.

use rand::{SeedableRng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};

use super::{
    choose::{self, Chooser},
    coverage::Coverage,
    lock::lock,
    rest::sketch,
    rules::Rules,
    start::{self, Start},
    trace::{Run, Step},
};

/// A whole trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    pub start: Start,
    pub rules: Rules,
    pub steps: Vec<Step>,
}

/// Passes of each object at the end of a trace, after one that wrote nothing. Most traces make none: nothing has changed.
pub const QUIET: usize = 0;

/// What became of a trace.
pub struct Played {
    /// The violation that ended it.
    pub violation: Option<String>,
    pub coverage: Coverage,
    /// The world after a violation, for people.
    pub sketch: String,
}

/// Runs a future on a runtime of its own, whose time stands still.
fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input and output");
    runtime.block_on(future)
}

/// Makes the trace of this seed while playing it.
pub fn invent(seed: u64, passes: usize) -> (Trace, Played) {
    on_a_runtime(async {
        let mut rng = StdRng::seed_from_u64(seed);
        let (start, rules, length) = choose::beginning(&mut rng);
        let mut world = start::world(start).await;
        world.rules = rules;
        let mut run = Run::new(world);
        let (mut steps, mut chooser) = (vec![], Chooser::default());
        for _ in 0..length {
            let step = chooser.next(&lock(&run.world), &run.process, &mut rng);
            steps.push(step);
            run.step(step).await;
            if lock(&run.world).violation.is_some() {
                break;
            }
        }
        let played = finish(&mut run, passes).await;
        (Trace { start, rules, steps }, played)
    })
}

/// Plays a trace.
pub fn play(trace: &Trace) -> Played {
    on_a_runtime(async {
        let mut run = begin(trace).await;
        for step in &trace.steps {
            run.step(*step).await;
        }
        finish(&mut run, QUIET).await
    })
}

async fn begin(trace: &Trace) -> Run {
    let mut world = start::world(trace.start).await;
    world.rules = trace.rules;
    Run::new(world)
}

async fn finish(run: &mut Run, passes: usize) -> Played {
    if lock(&run.world).violation.is_none() {
        run.rest(passes).await;
    }
    let world = lock(&run.world);
    let sketch = if world.violation.is_some() { sketch(&world) } else { String::new() };
    Played { violation: world.violation.clone(), coverage: world.coverage, sketch }
}

/// Plays a trace, and tells what each step does.
pub fn tell(trace: &Trace) -> Played {
    on_a_runtime(async {
        let mut run = begin(trace).await;
        for step in &trace.steps {
            let step: Step = *step;
            let end = run.step(step).await;
            println!("{step:?}: {end:?}\n{}\n", sketch(&lock(&run.world)));
        }
        finish(&mut run, QUIET).await
    })
}
