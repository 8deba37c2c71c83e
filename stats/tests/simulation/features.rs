//! Thirty features as models have them, and what may happen to one of them.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, Exp, LogNormal, Normal, Poisson};

use crate::world::{Table, Value, chance};

/// The number of features.
pub const FEATURES: usize = 30;

/// What happens to a feature of this number. Each is drawn by the number modulo ten.
pub const KINDS: [&str; 10] = [
    "normal",
    "skewed",
    "count",
    "mostly zero",
    "score",
    "half missing",
    "rare flag",
    "region",
    "shop",
    "constant",
];

/// The value of a feature in one row. `change` is how far its distribution is from that of the training data, in standard
/// deviations of a number or in points of a proportion.
pub fn draw(feature: usize, change: f64, random: &mut ChaCha8Rng) -> Value {
    let number = |value: f64| Value::Number(value);
    match feature % KINDS.len() {
        0 => number(Normal::new(50.0 + 8.0 * change, 8.0).expect("finite").sample(random)),
        1 => number(LogNormal::new(3.0 + change, 1.0).expect("finite").sample(random)),
        2 => number(Poisson::new(4.0 + 2.0 * change).expect("positive").sample(random)),
        3 => number(if chance(0.7 - change, random) {
            0.0
        } else {
            Exp::new(0.1).expect("positive").sample(random)
        }),
        4 => number(Beta::new(2.0, (38.0 - 20.0 * change).max(1.0)).expect("positive").sample(random)),
        5 if chance(0.5 + change, random) => Value::Missing,
        5 => number(Normal::new(0.0, 1.0).expect("finite").sample(random)),
        6 => Value::Text(if chance(0.01 + change, random) { "yes" } else { "no" }.to_owned()),
        7 => {
            let place = random.random::<f64>() * (1.0 + change);
            let regions = ["north", "south", "east", "west", "abroad"];
            let place = [0.4, 0.7, 0.85, 0.95].iter().filter(|edge| **edge <= place).count();
            Value::Text(regions[place].to_owned())
        }
        8 => Value::Text(format!("shop {:03}", zipf(250, random))),
        _ => number(1.0),
    }
}

/// A number from 1 to `most` by Zipf's law: about the exponential of a uniform number.
fn zipf(most: u32, random: &mut ChaCha8Rng) -> u32 {
    let all = f64::from(most).ln();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to `most`")]
    let rank = (random.random::<f64>() * all).exp() as u32;
    rank.max(1)
}

/// Rows of all features without a change.
pub fn table(rows: usize, random: &mut ChaCha8Rng) -> Table {
    let column = |feature| (0..rows).map(|_| draw(feature, 0.0, random)).collect();
    let name = |feature: usize| format!("{} {}", KINDS[feature % KINDS.len()], feature / KINDS.len());
    let mut column = column;
    (0..FEATURES).map(|feature| (name(feature), column(feature))).collect()
}
