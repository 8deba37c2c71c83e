//! What outcomes say of scores, numbers and value, for the status. Pure.

use understudy_crds::{CalibratedRows, CalibrationTenth, NumberErrors, ValueAtStake, VersionEstimates};
use understudy_stats as stats;

use super::figures::{count, estimate, rounded};

/// A figure of both versions and their difference. `None` if neither has it.
pub fn both(
    of: impl Fn(stats::Role) -> Option<stats::Estimate>,
    difference: Option<stats::Estimate>,
) -> Option<VersionEstimates> {
    let figure = |role| of(role).and_then(estimate);
    let (main, challenger) = (figure(stats::Role::Main), figure(stats::Role::Challenger));
    let difference = difference.and_then(estimate);
    (main.is_some() || challenger.is_some()).then_some(VersionEstimates { main, challenger, difference })
}

/// The calibration curves of both versions, tenth by tenth.
pub fn calibration(outcomes: &stats::Outcomes) -> Vec<CalibrationTenth> {
    let [main, challenger] = stats::Role::ALL.map(|role| outcomes.calibration(role));
    let rows = |curve: &[stats::Calibration], from: f64| {
        let tenth = curve.iter().find(|tenth| tenth.from.total_cmp(&from).is_eq())?;
        let (score, share) = (rounded(tenth.score)?, estimate(tenth.share)?);
        Some(CalibratedRows { rows: count(tenth.rows), score, share })
    };
    let tenth = |tenth: u8| {
        let from = f64::from(tenth) / 10.0;
        let tenth = CalibrationTenth { from, main: rows(&main, from), challenger: rows(&challenger, from) };
        Some(tenth).filter(|tenth| tenth.main.is_some() || tenth.challenger.is_some())
    };
    (0..10).filter_map(tenth).collect()
}

/// The errors of both versions' numbers. `None` for a model with labels.
pub fn numbers(outcomes: &stats::Outcomes) -> Option<NumberErrors> {
    let [main, challenger] = stats::Role::ALL.map(|role| outcomes.errors(role));
    let of = |role| if role == stats::Role::Main { main } else { challenger };
    let [mae, rmse] = outcomes.error_differences();
    Some(NumberErrors {
        rows: count(outcomes.numbers()),
        mae: both(|role| of(role).mae, mae)?,
        rmse: both(|role| of(role).rmse, rmse)?,
        bias: both(|role| of(role).bias, None)?,
        r2: both(|role| of(role).r2, None).unwrap_or_default(),
    })
}

/// For how much of the value each version was right. `None` if no outcome has a value.
pub fn value(outcomes: &stats::Outcomes) -> Option<ValueAtStake> {
    let right = both(|role| outcomes.value_share(role), outcomes.value_difference())?;
    Some(ValueAtStake { total: rounded(outcomes.value())?, right })
}

#[cfg(test)]
#[path = "evaluation_tests.rs"]
mod tests;
