//! Makes a failing trace small: steps are removed, and faults left out, while it still fails in the same way.

use super::{
    play::{Trace, play},
    seat::Fault,
    trace::Step,
};

/// Most runs of one search.
const RUNS: usize = 600;

/// The smallest trace found that violates the same invariant.
pub fn shrink(trace: &Trace, violation: &str) -> (Trace, String) {
    let mut best = (trace.clone(), violation.to_owned());
    let mut runs = 0;
    let mut size = best.0.steps.len().div_ceil(2).max(1);
    loop {
        let mut smaller = false;
        let mut at = 0;
        while at < best.0.steps.len() && runs < RUNS {
            let mut candidate = best.0.clone();
            candidate.steps.drain(at..(at + size).min(candidate.steps.len()));
            runs += 1;
            match fails(&candidate, violation) {
                Some(said) => {
                    best = (candidate, said);
                    smaller = true;
                }
                None => at += size,
            }
        }
        if runs >= RUNS || (size == 1 && !smaller) {
            break;
        }
        size = if smaller { size } else { size.div_ceil(2) }.min(best.0.steps.len()).max(1);
    }
    for at in 0..best.0.steps.len() {
        let Step::Pass(target, fault) = best.0.steps[at] else { continue };
        if fault == Fault::None {
            continue;
        }
        let mut candidate = best.0.clone();
        candidate.steps[at] = Step::Pass(target, Fault::None);
        if let Some(said) = fails(&candidate, violation) {
            best = (candidate, said);
        }
    }
    best
}

fn fails(trace: &Trace, violation: &str) -> Option<String> {
    play(trace).violation.filter(|said| class(said) == class(violation))
}

/// Which invariant is violated, and how, without names and numbers.
pub fn class(violation: &str) -> String {
    let words = violation.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    let invariant = violation.split(':').next().unwrap_or_default();
    format!("{invariant}: {}", words.take(6).collect::<Vec<_>>().join(" "))
}
