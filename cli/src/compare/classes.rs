//! How well both versions recognize each class, as text. Pure.

use understudy_crds::{ClassScores, OutcomeComparison};

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
        let (main, challenger) = (scores(&class.main), scores(&class.challenger));
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

fn scores(of: &ClassScores) -> [(&'static str, String); 3] {
    [
        ("precision", number::share(of.precision)),
        ("recall", number::share(of.recall)),
        ("F1", number::share(of.f1)),
    ]
}
