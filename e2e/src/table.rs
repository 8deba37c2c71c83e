//! The table of figures: measured value, limit, ratio and target.

use std::{fmt, time::Duration};

/// One figure.
struct Line {
    figure: String,
    measured: String,
    limit: String,
    ratio: String,
    target: String,
}

/// All figures.
#[derive(Default)]
pub struct Table(Vec<Line>);

impl Table {
    /// Adds a figure with its target.
    pub fn add(&mut self, figure: &str, measured: String, target: &str) {
        self.push(figure, measured, "", String::new(), target);
    }

    /// Adds a time with the time that limits it.
    pub fn compare(&mut self, figure: &str, measured: Duration, limit: (&str, Duration), target: &str) {
        let (name, least) = limit;
        let ratio = format!("{:.2} x", measured.as_secs_f64() / least.as_secs_f64());
        self.push(figure, millis(measured), &format!("{} ({name})", millis(least)), ratio, target);
    }

    fn push(&mut self, figure: &str, measured: String, limit: &str, ratio: String, target: &str) {
        let [figure, limit, target] = [figure, limit, target].map(str::to_owned);
        self.0.push(Line { figure, measured, limit, ratio, target });
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = ["figure", "measured", "limit or peer", "ratio", "target"].map(str::to_owned);
        let [figure, measured, limit, ratio, target] = titles;
        let title = Line { figure, measured, limit, ratio, target };
        for Line { figure, measured, limit, ratio, target } in [&title].into_iter().chain(&self.0) {
            writeln!(f, "{figure:<46} {measured:>10}  {limit:<28} {ratio:>8}  {target}")?;
        }
        Ok(())
    }
}

/// A time in milliseconds, for people.
#[must_use]
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// The value that `percent` of all values do not exceed.
#[must_use]
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}
