//! Kubernetes quantities: `500m`, `1Gi`, `1e3`. Pure.
//!
//! The API server stores resources in a canonical form: `0.5` becomes `500m`, `1024Mi` becomes `1Gi`, `1u` becomes
//! `1m`.

/// The largest quantity, in thousandths: the API server stores larger ones as this one.
const LARGEST: i128 = i64::MAX as i128 * 1000;
/// Digits after which a number is cut and rounded up, so that it fits into 64 bits.
const DIGITS: usize = 19;

/// Whether both texts are the same amount of a resource. A text that is not a quantity equals only itself.
pub fn same_quantity(a: &str, b: &str) -> bool {
    a == b || thousandths(a).zip(thousandths(b)).is_some_and(|(a, b)| a == b)
}

/// The amount in thousandths, rounded away from zero and limited to [`LARGEST`], as the API server stores it. `None` if
/// the text is not a quantity.
fn thousandths(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (number, suffix) =
        text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let (power_of_two, power_of_ten) = factor(suffix)?;
    let digits = format!("{whole}{fraction}");
    let places = i32::try_from(fraction.len()).ok()?;
    let amount = scaled(
        digits.trim_start_matches('0'),
        power_of_two,
        power_of_ten.checked_sub(places)?.checked_add(3)?,
    );
    Some(sign * amount)
}

/// The factor of a suffix, as a power of two and a power of ten.
fn factor(suffix: &str) -> Option<(u32, i32)> {
    Some(match suffix {
        "" => (0, 0),
        "n" => (0, -9),
        "u" => (0, -6),
        "m" => (0, -3),
        "k" => (0, 3),
        "M" => (0, 6),
        "G" => (0, 9),
        "T" => (0, 12),
        "P" => (0, 15),
        "E" => (0, 18),
        "Ki" => (10, 0),
        "Mi" => (20, 0),
        "Gi" => (30, 0),
        "Ti" => (40, 0),
        "Pi" => (50, 0),
        "Ei" => (60, 0),
        _ => (0, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// `digits` times these powers of two and of ten, rounded up.
fn scaled(digits: &str, power_of_two: u32, power_of_ten: i32) -> i128 {
    let (kept, cut) = digits.split_at(digits.len().min(DIGITS));
    let mantissa: i128 = if kept.is_empty() { 0 } else { kept.parse().expect("19 digits fit into 128 bits") };
    if mantissa == 0 {
        return 0;
    }
    let rest = i128::from(cut.bytes().any(|digit| digit != b'0'));
    let binary = (mantissa + rest) << power_of_two;
    let places = i32::try_from(cut.len()).unwrap_or(i32::MAX).saturating_add(power_of_ten);
    let ten = 10_i128.checked_pow(places.unsigned_abs());
    let amount = match (places < 0, ten) {
        (true, Some(ten)) => (binary + ten - 1) / ten,
        (true, None) => 1,
        (false, Some(ten)) => binary.checked_mul(ten).unwrap_or(LARGEST),
        (false, None) => LARGEST,
    };
    amount.min(LARGEST)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("2", "2")]
    #[case::fraction("0.5", "500m")]
    #[case::without_whole_part(".5", "500m")]
    #[case::without_fraction("1.", "1")]
    #[case::with_zeros("1.50", "1500m")]
    #[case::with_sign("+1", "1")]
    #[case::zero("0.0", "0")]
    #[case::thousandths("1000m", "1")]
    #[case::millionths("2000000u", "2")]
    #[case::billionths("3000000000n", "3")]
    #[case::too_small_for_a_resource("1n", "1m")]
    #[case::between_two_thousandths("1500u", "2m")]
    #[case::exponent("1000e0", "1e3")]
    #[case::large_exponent_letter("1E3", "1e3")]
    #[case::negative_exponent("5e-1", "500e-3")]
    #[case::exponent_as_number("1e3", "1k")]
    #[case::tera("1000G", "1T")]
    #[case::peta("1000T", "1P")]
    #[case::exa("1000P", "1E")]
    #[case::mebi("1024Ki", "1Mi")]
    #[case::gibi("1024Mi", "1Gi")]
    #[case::part_of_a_gibi("1.5Gi", "1536Mi")]
    #[case::part_of_a_kibi("0.5Ki", "512")]
    #[case::tebi("1024Gi", "1Ti")]
    #[case::pebi("1024Ti", "1Pi")]
    #[case::exbi("1024Pi", "1Ei")]
    #[case::part_of_an_exbi("0.5Ei", "512Pi")]
    #[case::larger_than_any("10E", "9223372036854775807")]
    #[case::larger_than_any_binary("9Ei", "9223372036854775807")]
    #[case::more_digits_than_are_stored("0.33333333333333333333333333333333333333333", "334m")]
    fn a_quantity_is_recognised_in_the_form_that_the_api_server_stores(
        #[case] written: &str,
        #[case] stored: &str,
    ) {
        assert!(same_quantity(written, stored), "{:?} {:?}", thousandths(written), thousandths(stored));
    }

    #[rstest]
    #[case("1", "2")]
    #[case("1", "-1")]
    #[case("1m", "1M")]
    #[case("1M", "1Mi")]
    #[case("1E", "1e1")]
    #[case("1P", "1Pi")]
    #[case("9223372036854775806", "9223372036854775807")]
    #[case::no_quantity("1Q", "1")]
    #[case::no_digits(".", "0")]
    #[case::no_exponent("1e", "1")]
    #[case::two_points("1.0.0", "1")]
    #[case::empty("", "0")]
    fn different_amounts_differ_and_so_does_text_that_is_not_a_quantity(#[case] a: &str, #[case] b: &str) {
        assert!(!same_quantity(a, b), "{:?} {:?}", thousandths(a), thousandths(b));
    }
}
