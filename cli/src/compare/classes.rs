//! How well both versions recognize each class, as text. Pure.

use understudy_crds::{ClassScores, Estimate, OutcomeComparison, VersionEstimates};

use super::number;
use crate::table;

/// Confusions that are shown. The JSON has up to 64.
const SHOWN: usize = 10;

/// The scores of each class, and what was taken for something else.
#[must_use]
pub fn table(outcomes: &OutcomeComparison, main: &str, challenger: &str) -> String {
    let (main, challenger) = (format!("MAIN {main}"), format!("CHALLENGER {challenger}"));
    let mut rows: Vec<[String; 5]> = Vec::new();
    for class in &outcomes.classes {
        let auc = class.auc.as_ref();
        let main = scores(&class.main, auc, |auc| auc.main);
        let challenger = scores(&class.challenger, auc, |auc| auc.challenger);
        rows.extend(main.into_iter().zip(challenger).map(|((score, main), (_, challenger))| {
            [class.name.clone(), class.rows.to_string(), score.to_owned(), main, challenger]
        }));
    }
    let scores = table::table(["CLASS", "ROWS", "SCORE", &main, &challenger], &rows);
    if outcomes.confusion.is_empty() {
        return scores;
    }
    let confused = outcomes.confusion.iter().take(SHOWN).map(|cell| {
        [cell.class.clone(), cell.predicted.clone(), cell.main.to_string(), cell.challenger.to_string()]
    });
    let confused: Vec<[String; 4]> = confused.collect();
    let more = match outcomes.confusion.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("{more} more are in the JSON.\n"),
    };
    format!("{scores}\n{}{more}", table::table(["CLASS", "TAKEN FOR", &main, &challenger], &confused))
}

/// The scores of a version, of whose AUC `of_version` is the one. `auc` is absent for a class without scores.
fn scores(
    of: &ClassScores,
    auc: Option<&VersionEstimates>,
    of_version: fn(&VersionEstimates) -> Option<Estimate>,
) -> Vec<(&'static str, String)> {
    let shown = |auc: Estimate| number::correlation(auc.value, auc.low, auc.high);
    let auc = auc.map(|auc| ("AUC", of_version(auc).map(shown).unwrap_or_default()));
    [
        ("precision", number::share(of.precision)),
        ("recall", number::share(of.recall)),
        ("F1", number::share(of.f1)),
    ]
    .into_iter()
    .chain(auc)
    .collect()
}
