//! The test: random traces on all processors.

use std::{
    collections::BTreeMap,
    env,
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use super::{
    coverage::Met,
    play::{QUIET, Trace, invent, play, tell},
    shrink::{class, shrink},
};

/// Traces, unless `MODEL_TRACES` says how many.
const TRACES: u64 = 10_000;
/// One in so many traces makes [`MANY`] quiet passes at its end; the others make few.
const THOROUGH: u64 = 500;
const MANY: usize = 100;

/// What all traces of a thread have met.
#[derive(Default)]
struct Found {
    met: BTreeMap<u8, u64>,
    /// The first seed of each kind of violation, and how many traces have it.
    violations: BTreeMap<String, (u64, u64)>,
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn no_order_of_acts_crashes_and_delays_breaks_a_promise() {
    if let Ok(text) = env::var("MODEL_TRACE") {
        let trace: Trace = serde_json::from_str(&text).expect("a trace as a failure prints it");
        let played = tell(&trace);
        assert_eq!(played.violation, None, "\n{}", played.sketch);
        return;
    }
    let (traces, seed) = (number("MODEL_TRACES", TRACES), number("MODEL_SEED", 0));
    let survey = env::var("MODEL_SURVEY").is_ok();
    let (next, began) = (AtomicU64::new(seed), Instant::now());
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let found: Vec<Found> = thread::scope(|scope| {
        let work = || explore(&next, seed + traces, survey);
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter().map(|thread| thread.join().expect("a trace does not panic")).collect()
    });
    let (mut met, mut violations) = (BTreeMap::new(), BTreeMap::new());
    for found in found {
        for (key, count) in found.met {
            *met.entry(key).or_insert(0) += count;
        }
        for (class, (seed, count)) in found.violations {
            let known = violations.entry(class).or_insert((seed, 0));
            *known = (known.0.min(seed), known.1 + count);
        }
    }
    println!("{traces} traces in {:.1} s on {threads} threads", began.elapsed().as_secs_f32());
    for each in Met::ALL {
        println!("{:>7} {each:?}", met.get(&(each as u8)).unwrap_or(&0));
    }
    for (class, (seed, count)) in &violations {
        println!("{count:>7} {class} (first with seed {seed})");
    }
    if let Some((_, (seed, _))) = violations.iter().min_by_key(|(_, (seed, _))| seed) {
        explain(*seed);
    }
    if traces >= TRACES {
        let never: Vec<_> = Met::ALL.into_iter().filter(|each| !met.contains_key(&(*each as u8))).collect();
        assert!(never.is_empty(), "no trace has met {never:?}");
    }
}

fn explore(next: &AtomicU64, end: u64, survey: bool) -> Found {
    let mut found = Found::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return found;
        }
        let passes = if seed.is_multiple_of(THOROUGH) { MANY } else { QUIET };
        let (_, played) = invent(seed, passes);
        for each in Met::ALL.into_iter().filter(|each| played.coverage.has(*each)) {
            *found.met.entry(each as u8).or_default() += 1;
        }
        if let Some(violation) = played.violation {
            found.violations.entry(class(&violation)).or_insert((seed, 0)).1 += 1;
            if !survey {
                // The other threads end, too.
                next.store(end, Ordering::Relaxed);
            }
        }
    }
}

fn explain(seed: u64) {
    let (trace, played) = invent(seed, QUIET);
    let violation = played.violation.expect("a seed has one trace");
    let (small, violation) = shrink(&trace, &violation);
    let text = serde_json::to_string(&small).expect("a trace is JSON");
    let steps: Vec<_> = small.steps.iter().map(|step| format!("  {step:?}")).collect();
    let sketch = play(&small).sketch;
    panic!(
        "{violation}\nseed {seed}, from {:?} under {:?}:\n{}\n{sketch}\nagain: MODEL_TRACE='{text}'",
        small.start,
        small.rules,
        steps.join("\n")
    );
}
