//! Computes `status.comparison` from what pods have counted of main and challenger. Pure.
//!
//! Values of pods are limited to what the schema allows: otherwise the API server would refuse the whole status.

use std::{cmp::Reverse, collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use understudy_crds::{
    CLASSES_LIMIT, CONFUSION_LIMIT, ClassComparison, ClassScores, Compared, Comparison, Confusion,
    Difference, Estimate, Latency, LatencyInterval, Measure, OUTPUTS_LIMIT, OutcomeComparison,
    OutputComparison, Role, RoleComparison,
};
use understudy_stats as stats;

use super::{
    evaluation,
    figures::{count, estimate, rounded, short},
};

/// The comparison for the status: `None` without a pair, and `before` if it is about the same pair and nothing but the
/// time has changed.
pub fn next(
    before: Option<&Comparison>,
    pair: Option<(&stats::Identity, &stats::Identity)>,
    seen: Option<&stats::Summary>,
    now: Timestamp,
) -> Option<Comparison> {
    let (main, challenger) = pair?;
    let before = before
        .filter(|before| before.main == compared(main) && before.challenger == compared(challenger))
        .cloned();
    let fresh = seen.and_then(|seen| {
        let counted = seen.comparison.as_ref().filter(|counted| counted.is_of(main, challenger))?;
        Some(written(counted, seen.outcomes.as_ref(), now))
    });
    match (before, fresh) {
        (Some(before), Some(fresh)) if before == (Comparison { at: before.at.clone(), ..fresh.clone() }) => {
            Some(before)
        }
        (before, fresh) => fresh.or(before),
    }
}

fn compared(identity: &stats::Identity) -> Compared {
    Compared { version: identity.version.clone(), digest: identity.digest.clone() }
}

fn written(counted: &stats::Comparison, outcomes: Option<&stats::Outcomes>, now: Timestamp) -> Comparison {
    let since = i64::try_from(counted.since()).ok().and_then(|s| Timestamp::from_second(s).ok());
    let mut names = BTreeSet::new();
    let outputs = counted
        .outputs()
        .enumerate()
        .map(|(index, (name, _))| (index, short(name)))
        .filter(|(_, name)| names.insert(name.clone()))
        .take(OUTPUTS_LIMIT);
    Comparison {
        challenger: compared(counted.challenger()),
        main: compared(counted.main()),
        since: since.unwrap_or(now).into(),
        at: now.into(),
        pairs: count(counted.pairs()),
        copied: count(counted.copied()),
        availability: counted.availability().and_then(estimate),
        error_difference: difference(counted.error_difference(), counted.error_p_value(), counted.calls()),
        roles: vec![
            role(counted, Role::Main, stats::Role::Main),
            role(counted, Role::Challenger, stats::Role::Challenger),
        ],
        outputs: outputs
            .map(|(index, name)| {
                let measured = |estimate| measure(estimate, counted.compared(index));
                OutputComparison {
                    name,
                    left_out: count(counted.left_out(index)),
                    agreement: measured(counted.agreement(index)),
                    mean_absolute_difference: measured(counted.mean_absolute_difference(index)),
                    correlation: measured(counted.correlation(index)),
                }
            })
            .collect(),
        outcomes: outcomes
            .filter(|outcomes| outcomes.joined() > 0)
            .map(|outcomes| Box::new(judged(outcomes))),
    }
}

fn judged(outcomes: &stats::Outcomes) -> OutcomeComparison {
    let accuracy = |role| measure(outcomes.accuracy(role), outcomes.compared(role));
    OutcomeComparison {
        joined: count(outcomes.joined()),
        main: accuracy(stats::Role::Main),
        challenger: accuracy(stats::Role::Challenger),
        difference: difference(
            outcomes.difference(),
            outcomes.p_value(),
            outcomes.compared(stats::Role::Challenger),
        ),
        balanced_accuracy: evaluation::both(
            |role| outcomes.balanced_accuracy(role),
            outcomes.balanced_difference(),
        ),
        log_loss: evaluation::both(|role| outcomes.log_loss(role), outcomes.log_loss_difference()),
        calibration: evaluation::calibration(outcomes),
        numbers: evaluation::numbers(outcomes),
        value: evaluation::value(outcomes),
        left_out: count(outcomes.left_out()),
        classes: classes(outcomes),
        confusion: confusion(outcomes),
    }
}

fn classes(outcomes: &stats::Outcomes) -> Vec<ClassComparison> {
    let scores = |role, class: &str| {
        let stats::Scores { precision, recall, f1 } = outcomes.scores(role, class);
        ClassScores {
            precision: precision.and_then(estimate),
            recall: recall.and_then(estimate),
            f1: f1.and_then(estimate),
        }
    };
    let class = |name: &str| ClassComparison {
        name: short(name),
        rows: count(outcomes.support(name)),
        auc: evaluation::both(|role| outcomes.auc(role, name), outcomes.auc_difference(name)),
        main: scores(stats::Role::Main, name),
        challenger: scores(stats::Role::Challenger, name),
    };
    outcomes.classes().into_iter().take(CLASSES_LIMIT).map(class).collect()
}

/// What was taken for something else, the most frequent first.
fn confusion(outcomes: &stats::Outcomes) -> Vec<Confusion> {
    let mut wrong: Vec<_> =
        outcomes.confusion().into_iter().filter(|cell| cell.class != cell.predicted).collect();
    wrong.sort_by_key(|cell| Reverse(cell.main.saturating_add(cell.challenger)));
    let cell = |cell: stats::Confusion| Confusion {
        class: short(&cell.class),
        predicted: short(&cell.predicted),
        main: count(cell.main),
        challenger: count(cell.challenger),
    };
    wrong.into_iter().take(CONFUSION_LIMIT).map(cell).collect()
}

fn role(counted: &stats::Comparison, role: Role, of: stats::Role) -> RoleComparison {
    RoleComparison {
        role,
        calls: count(counted.calls()),
        errors: count(counted.errors(of)),
        error_rate: counted.error_rate(of).and_then(estimate),
        latency: latency(counted, of),
    }
}

fn latency(counted: &stats::Comparison, of: stats::Role) -> Option<Latency> {
    let micros = |took: Duration| i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
    let interval = |of: stats::Quantile| LatencyInterval {
        low_micros: micros(of.low),
        high_micros: of.high.map(micros),
    };
    let (p50, p99) = counted.latency(of, 0.5).zip(counted.latency(of, 0.99))?;
    Some(Latency {
        p50_micros: micros(p50.value),
        p50_interval: Some(interval(p50)),
        p50_at_least: p50.at_least,
        p99_micros: micros(p99.value),
        p99_interval: Some(interval(p99)),
        p99_at_least: p99.at_least,
    })
}

fn measure(of: Option<stats::Estimate>, compared: u64) -> Option<Measure> {
    let Estimate { value, low, high } = estimate(of?)?;
    Some(Measure { value, low, high, compared: count(compared) })
}

fn difference(of: Option<stats::Estimate>, p_value: Option<f64>, compared: u64) -> Option<Difference> {
    let Estimate { value, low, high } = estimate(of?)?;
    Some(Difference { value, low, high, p_value: rounded(p_value?)?, compared: count(compared) })
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
