//! Decimal numbers, correctly rounded and fast.
//!
//! Almost every number that a client sends has at most 19 digits and a small exponent. Its digits fit an integer, and
//! one multiplication or division by an exact power of ten is almost exact. The standard library parses the other
//! numbers, and those for which the small error could change the rounding.

/// The parts of a JSON number: `mantissa * 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    mantissa: u64,
    exponent: i64,
    /// Whether `mantissa` holds all digits.
    exact: bool,
    /// Whether the number is written without a fraction and without an exponent.
    pub(super) whole: bool,
    /// Position after the last byte of the number.
    pub(super) end: usize,
}

/// Powers of ten that an f64 holds exactly.
#[rustfmt::skip]
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Reads the JSON number that begins at `start`. `None` if there is no valid number.
#[inline]
pub(super) fn decimal(bytes: &[u8], start: usize) -> Option<Decimal> {
    let negative = bytes.get(start) == Some(&b'-');
    let first = start + usize::from(negative);
    let mut mantissa = 0;
    let mut at = digits(bytes, first, &mut mantissa);
    let mut count = at - first;
    if count == 0 || (count > 1 && bytes[first] == b'0') {
        return None;
    }
    let (mut exponent, mut whole) = (0, true);
    if bytes.get(at) == Some(&b'.') {
        let fraction = at + 1;
        at = digits(bytes, fraction, &mut mantissa);
        if at == fraction {
            return None;
        }
        count += at - fraction;
        exponent = -i64::try_from(at - fraction).ok()?;
        whole = false;
    }
    // Nineteen digits always fit 64 bits. Leading zeros do not count.
    let exact = count <= 19 || {
        let zeros = bytes[first..at].iter().take_while(|byte| matches!(byte, b'0' | b'.')).count();
        count - zeros.saturating_sub(1).min(count) <= 19
    };
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = bytes.get(at + 1).copied();
        let first = at + 1 + usize::from(matches!(sign, Some(b'+' | b'-')));
        let last =
            first + bytes[first.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if last == first {
            return None;
        }
        // An exponent that does not fit an integer always means zero or infinity.
        let text = std::str::from_utf8(&bytes[first..last]).ok()?;
        let power = text.parse::<i64>().unwrap_or(i64::MAX / 4).min(i64::MAX / 4);
        exponent += if sign == Some(b'-') { -power } else { power };
        whole = false;
        at = last;
    }
    Some(Decimal { negative, mantissa, exponent, exact, whole, end: at })
}

/// Adds the digits that begin at `at` to `mantissa`, eight at a time while eight remain. Returns the position after
/// them.
#[inline]
fn digits(bytes: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    while let Some(eight) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(eight.try_into().expect("the slice has eight bytes"));
        // A byte is between '0' and '9' if neither adding 0x46 nor subtracting 0x30 sets its top bit.
        let (over, under) =
            (word.wrapping_add(0x4646_4646_4646_4646), word.wrapping_sub(0x3030_3030_3030_3030));
        if (over | under) & 0x8080_8080_8080_8080 != 0 {
            break;
        }
        *mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(eight_digits(under));
        at += 8;
    }
    while let Some(digit) = bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(digit.into());
        at += 1;
    }
    at
}

/// The value of eight digits, one in each byte, the first digit in the lowest byte: adds up pairs, then fours, then
/// all.
#[inline]
fn eight_digits(word: u64) -> u64 {
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let high = ((pairs >> 16) & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    low.wrapping_add(high) >> 32
}

impl Decimal {
    /// The nearest f32. `None` if it would be infinite. `text` is the number as written.
    #[inline]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the check of the dropped bits covers the error"
    )]
    pub(super) fn to_f32(self, text: &[u8]) -> Option<f32> {
        if self.exact && (-22..=22).contains(&self.exponent) {
            let near = self.scaled(self.mantissa as f64);
            // Two roundings are wrong by at most two units in the last of 52 bits. This changes the f32 only if the 29
            // bits that it drops are that close to one half. (No such value is subnormal.)
            let dropped = near.to_bits() & 0x1fff_ffff;
            if self.mantissa == 0 || dropped.abs_diff(0x1000_0000) > 4 {
                return Some(self.signed(near) as f32).filter(|value| value.is_finite());
            }
        }
        std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f32| value.is_finite())
    }

    /// The nearest f64. `None` if it would be infinite. `text` is the number as written.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "the mantissa has at most 53 bits")]
    pub(super) fn to_f64(self, text: &[u8]) -> Option<f64> {
        if self.exact && self.mantissa <= 1 << 53 && (-22..=22).contains(&self.exponent) {
            // Both operands are exact, so this operation is the only one that rounds (Clinger).
            return Some(self.signed(self.scaled(self.mantissa as f64)));
        }
        std::str::from_utf8(text).ok()?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// The integer. `None` if it is written with a fraction or an exponent, or has more than 128 bits.
    #[inline]
    pub(super) fn to_integer(self, text: &[u8]) -> Option<i128> {
        match (self.whole, self.exact) {
            (false, _) => None,
            (true, true) if self.negative => Some(-i128::from(self.mantissa)),
            (true, true) => Some(self.mantissa.into()),
            (true, false) => std::str::from_utf8(text).ok()?.parse().ok(),
        }
    }

    #[inline]
    fn scaled(self, mantissa: f64) -> f64 {
        let power = POWERS[usize::try_from(self.exponent.unsigned_abs()).expect("checked to be at most 22")];
        if self.exponent < 0 { mantissa / power } else { mantissa * power }
    }

    #[inline]
    fn signed(self, value: f64) -> f64 {
        if self.negative { -value } else { value }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn f32_of(text: &str) -> Option<f32> {
        let decimal = decimal(text.as_bytes(), 0).filter(|decimal| decimal.end == text.len())?;
        decimal.to_f32(text.as_bytes())
    }

    fn f64_of(text: &str) -> Option<f64> {
        let decimal = decimal(text.as_bytes(), 0).filter(|decimal| decimal.end == text.len())?;
        decimal.to_f64(text.as_bytes())
    }

    #[rstest]
    #[case("0")]
    #[case("-0")]
    #[case("-0.0")]
    #[case("1")]
    #[case("12345678")]
    #[case("0.1")]
    #[case("3.4028234663852886e38")]
    #[case("1e-45")]
    #[case("1.17549435e-38")]
    #[case("16777217")]
    #[case("16777217.0000000001")]
    #[case("0.000000000000000000000000000012345678901234567890")]
    #[case("123456789012345678901234567890")]
    #[case("2.5e0")]
    #[case("2.5E+2")]
    #[case("1e-400")]
    fn a_number_is_the_same_as_in_the_standard_library(#[case] text: &str) {
        assert_eq!(f32_of(text).map(f32::to_bits), Some(text.parse::<f32>().unwrap().to_bits()), "{text}");
        assert_eq!(f64_of(text).map(f64::to_bits), Some(text.parse::<f64>().unwrap().to_bits()), "{text}");
    }

    #[rstest]
    #[case("")]
    #[case("-")]
    #[case("+1")]
    #[case(".5")]
    #[case("1.")]
    #[case("01")]
    #[case("-01")]
    #[case("1e")]
    #[case("1e+")]
    #[case("NaN")]
    #[case("Infinity")]
    #[case("inf")]
    #[case("0x10")]
    #[case("1_000")]
    fn text_that_is_not_a_json_number_is_rejected(#[case] text: &str) {
        assert_eq!(f32_of(text), None, "{text}");
    }

    #[test]
    fn a_number_that_is_too_large_is_rejected_and_does_not_become_infinity() {
        assert_eq!(f32_of("3.5e38"), None);
        assert_eq!(f32_of("1e39"), None);
        assert_eq!(f64_of("1e309"), None);
        assert_eq!(f64_of("1e99999999999999999999"), None);
    }

    #[rstest]
    #[case("18446744073709551615", Some(18_446_744_073_709_551_615))]
    #[case("-9223372036854775808", Some(-9_223_372_036_854_775_808))]
    #[case("7", Some(7))]
    #[case("1.0", None)]
    #[case("1e3", None)]
    fn integers_are_exact(#[case] text: &str, #[case] expected: Option<i128>) {
        assert_eq!(decimal(text.as_bytes(), 0).unwrap().to_integer(text.as_bytes()), expected);
    }

    proptest! {
        #[test]
        fn every_f32_is_read_back_from_its_shortest_text(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(f32_of(&format!("{value:e}")).map(f32::to_bits), Some(bits));
        }

        #[test]
        fn any_digits_round_as_in_the_standard_library(text in "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,22})?(e[+-]?[0-9]{1,2})?") {
            let (single, double) = (text.parse::<f32>().unwrap(), text.parse::<f64>().unwrap());
            prop_assert_eq!(f32_of(&text), Some(single).filter(|value| value.is_finite()));
            prop_assert_eq!(f64_of(&text), Some(double).filter(|value| value.is_finite()));
        }

        #[test]
        fn a_number_half_way_between_two_floats_rounds_to_even(mantissa in 0x80_0000_u32..0x100_0000) {
            let half = f64::from(mantissa) + 0.5;
            let text = format!("{half}");
            prop_assert_eq!(f32_of(&text), Some(text.parse::<f32>().unwrap()));
        }
    }
}
