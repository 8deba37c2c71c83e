//! What outcomes say of scores, numbers and value, as rows and a table. Pure.

use understudy_crds::{CalibratedRows, Estimate, OutcomeComparison, VersionEstimates};

use super::{number, report::CompareReport, significance::Figure};
use crate::table;

/// The rows of figures that the model has, for the table of both roles.
#[must_use]
pub fn rows(compare: &CompareReport, outcomes: &OutcomeComparison) -> Vec<[String; 4]> {
    let row =
        |name: &str, figure: Option<Figure>, of: &VersionEstimates, show: fn(Option<Estimate>) -> String| {
            let reading = figure.and_then(|figure| {
                let Estimate { value, low, high } = of.difference?;
                let words = compare.significance(figure, None)?.words();
                let difference = if figure == Figure::Value {
                    number::points_between(value, low, high)
                } else {
                    number::between(value, low, high)
                };
                Some(format!("{words}: {difference}"))
            });
            [name.to_owned(), show(of.main), show(of.challenger), reading.unwrap_or_default()]
        };
    let mut rows = Vec::new();
    rows.extend(outcomes.log_loss.iter().map(|of| row("log loss", Some(Figure::LogLoss), of, plain)));
    if let Some(numbers) = &outcomes.numbers {
        rows.push(row("mean absolute error", Some(Figure::Mae), &numbers.mae, plain));
        rows.push(row("root mean squared error", Some(Figure::Rmse), &numbers.rmse, plain));
        rows.push(row("bias", None, &numbers.bias, plain));
        rows.push(row("R2", None, &numbers.r2, plain));
    }
    if let Some(value) = &outcomes.value {
        let name = format!("right, of a value of {}", number::number(value.total));
        rows.push(row(&name, Some(Figure::Value), &value.right, number::share));
    }
    if outcomes.left_out > 0 {
        let left_out = outcomes.left_out.to_string();
        rows.push(["rows without usable numbers".to_owned(), left_out, String::new(), String::new()]);
    }
    rows
}

/// The calibration curve of both versions. `None` without one.
#[must_use]
pub fn calibration(outcomes: &OutcomeComparison, main: &str, challenger: &str) -> Option<String> {
    if outcomes.calibration.is_empty() {
        return None;
    }
    let share = |of: Option<CalibratedRows>| {
        of.map(|of| format!("{} of {}", number::share(Some(of.share)), of.rows)).unwrap_or_default()
    };
    let rows: Vec<[String; 3]> = outcomes
        .calibration
        .iter()
        .map(|tenth| {
            let scores = format!("{:.1} to {:.1}", tenth.from, tenth.from + 0.1);
            [scores, share(tenth.main), share(tenth.challenger)]
        })
        .collect();
    let headings = ["SCORE", &format!("TRUE, MAIN {main}"), &format!("TRUE, CHALLENGER {challenger}")];
    Some(table::table(headings, &rows))
}

/// An estimate with its interval. Empty if it is absent.
fn plain(of: Option<Estimate>) -> String {
    of.map(|of| number::between(of.value, of.low, of.high)).unwrap_or_default()
}
