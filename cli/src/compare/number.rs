//! Numbers for people: three significant digits, or the unit that fits.

use understudy_crds::Estimate;

/// A share in percent: `96.5 %`. Below 1 % and above 99 % it has two decimals: `99.91 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    format!("{} %", bare_percent(share))
}

/// A share with its interval: `96.5 % (95.3 to 97.4)`.
#[must_use]
pub fn percent_between(share: f64, low: f64, high: f64) -> String {
    format!("{} ({} to {})", percent(share), bare_percent(low), bare_percent(high))
}

/// An estimated share with its interval. Empty if it is absent.
#[must_use]
pub fn share(of: Option<Estimate>) -> String {
    of.map(|of| percent_between(of.value, of.low, of.high)).unwrap_or_default()
}

fn bare_percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 | 100.0 => format!("{percent:.0}"),
        ..1.0 | 99.0.. => format!("{percent:.2}"),
        _ => format!("{percent:.1}"),
    }
}

/// A difference of shares in percentage points, with its interval: `+3.1 points (1.2 to 5.0)`.
#[must_use]
pub fn points_between(difference: f64, low: f64, high: f64) -> String {
    let [difference, low, high] = [difference, low, high].map(|share| 100.0 * share);
    let decimals = if high - low < 1.0 { 2 } else { 1 };
    format!("{difference:+.decimals$} points ({low:.decimals$} to {high:.decimals$})")
}

/// A difference of shares in percentage points: `1.9 points`.
#[must_use]
pub fn points(difference: f64) -> String {
    let points = 100.0 * difference;
    let decimals = if points < 1.0 { 2 } else { 1 };
    format!("{points:.decimals$} points")
}

/// A p-value: `p 0.012`, or `p < 0.001`.
#[must_use]
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p {p:.3}") }
}

/// A number with its interval: `0.0312 (0.0290 to 0.0334)`.
#[must_use]
pub fn between(value: f64, low: f64, high: f64) -> String {
    format!("{} ({} to {})", number(value), number(low), number(high))
}

/// Three significant digits: `0.0312`, `1.23e-5`.
#[must_use]
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-4..1e6).contains(&size) => format!("{value:.2e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 => format!("{value:.3}"),
        size if size >= 0.01 => format!("{value:.4}"),
        size if size >= 0.001 => format!("{value:.5}"),
        _ => format!("{value:.6}"),
    }
}

/// A correlation with its interval: `0.981 (0.975 to 0.986)`.
#[must_use]
pub fn correlation(value: f64, low: f64, high: f64) -> String {
    format!("{value:.3} ({low:.3} to {high:.3})")
}

/// A latency in microseconds, with the unit that fits: `210 us`, `3.21 ms`, `1.25 s`.
#[must_use]
pub fn duration(micros: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three significant digits are shown")]
    let value = micros as f64;
    match micros {
        ..1_000 => format!("{micros} us"),
        1_000..1_000_000 => format!("{} ms", number(value / 1e3)),
        _ => format!("{} s", number(value / 1e6)),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0.0, "0 %")]
    #[case(0.0042, "0.42 %")]
    #[case(0.9650, "96.5 %")]
    #[case(0.9991, "99.91 %")]
    #[case(1.0, "100 %")]
    fn a_share_near_0_or_100_percent_has_two_decimals(#[case] share: f64, #[case] shown: &str) {
        assert_eq!(percent(share), shown);
    }

    #[test]
    fn a_difference_of_shares_is_in_percentage_points() {
        assert_eq!(points_between(0.031, 0.012, 0.05), "+3.1 points (1.2 to 5.0)");
        assert_eq!(points_between(-0.0002, -0.0011, 0.0006), "-0.02 points (-0.11 to 0.06)");
        assert_eq!((points(0.0187), points(0.0014)), ("1.9 points".to_owned(), "0.14 points".to_owned()));
        assert_eq!((p_value(0.0004), p_value(0.0123)), ("p < 0.001".to_owned(), "p 0.012".to_owned()));
    }

    #[rstest]
    #[case(0.0, "0")]
    #[case(0.031_249, "0.0312")]
    #[case(-0.4, "-0.400")]
    #[case(12.34, "12.3")]
    #[case(1234.5, "1234")]
    #[case(0.000_012_3, "1.23e-5")]
    #[case(2_500_000.0, "2.50e6")]
    fn a_number_has_three_significant_digits(#[case] value: f64, #[case] shown: &str) {
        assert_eq!(number(value), shown);
    }

    #[rstest]
    #[case(210, "210 us")]
    #[case(3_214, "3.21 ms")]
    #[case(1_250_000, "1.25 s")]
    fn a_latency_has_the_unit_that_fits(#[case] micros: i64, #[case] shown: &str) {
        assert_eq!(duration(micros), shown);
    }
}
