//! Compares one element of an output with the expected one.

use super::flaw::Flaw;
use crate::{codec::scan::Scanner, view::View};

/// Most characters of a string in a message.
const TEXT: usize = 60;

/// How far a number may be from the expected one: `|got - expected| <= absolute + relative * |expected|`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Largest distance.
    pub absolute: f64,
    /// Largest distance as a part of the expected number.
    pub relative: f64,
}

impl Tolerance {
    fn allows(self, expected: f64, got: f64) -> bool {
        (got - expected).abs() <= self.absolute + self.relative * expected.abs()
    }
}

/// An element of an output.
#[derive(Debug, Clone, Copy)]
enum Got<'v> {
    Bool(bool),
    Integer(i128),
    /// As precise as the output is.
    Single(f32),
    Double(f64),
    Text(&'v str),
}

fn at(view: View<'_>, position: usize) -> Option<Got<'_>> {
    Some(match view {
        View::Bool(all) => Got::Bool(*all.get(position)?),
        View::Uint8(all) => Got::Integer((*all.get(position)?).into()),
        View::Uint16(all) => Got::Integer((*all.get(position)?).into()),
        View::Uint32(all) => Got::Integer((*all.get(position)?).into()),
        View::Uint64(all) => Got::Integer((*all.get(position)?).into()),
        View::Int8(all) => Got::Integer((*all.get(position)?).into()),
        View::Int16(all) => Got::Integer((*all.get(position)?).into()),
        View::Int32(all) => Got::Integer((*all.get(position)?).into()),
        View::Int64(all) => Got::Integer((*all.get(position)?).into()),
        View::Fp16(all) => Got::Single(all.get(position)?.to_f32()),
        View::Bf16(all) => Got::Single(all.get(position)?.to_f32()),
        View::Fp32(all) => Got::Single(*all.get(position)?),
        View::Fp64(all) => Got::Double(*all.get(position)?),
        View::Bytes(all) => Got::Text(all.get(position)?),
    })
}

/// Reads the expected element, and compares it with the one at `position`. `null` stands for NaN and infinity, as in
/// responses.
///
/// The flaw says what was expected and what the model answered. It does not say where.
pub(super) fn compare(
    scanner: &mut Scanner<'_>,
    view: View<'_>,
    position: usize,
    tolerance: Tolerance,
) -> Result<(), Flaw> {
    let got =
        at(view, position).ok_or_else(|| Flaw::Differs("the model answers fewer elements".to_owned()))?;
    let invalid = |what: String| Flaw::Invalid(what);
    let (same, expected) = match scanner.peek() {
        Some(b'"') => {
            let expected = scanner.string().map_err(|refusal| invalid(refusal.to_string()))?;
            (matches!(got, Got::Text(text) if text == expected), format!("\"{}\"", short(&expected)))
        }
        Some(b't' | b'f') => {
            let expected = scanner.boolean().ok_or_else(|| invalid("expected true or false".to_owned()))?;
            (matches!(got, Got::Bool(bool) if bool == expected), expected.to_string())
        }
        Some(b'n') if scanner.literal("null") => {
            let same = match got {
                Got::Single(number) => !number.is_finite(),
                Got::Double(number) => !number.is_finite(),
                _ => false,
            };
            (same, "null (NaN or infinity)".to_owned())
        }
        _ => {
            let text = scanner.value().map_err(|refusal| invalid(refusal.to_string()))?;
            let text = std::str::from_utf8(text).unwrap_or_default();
            let expected: f64 = text
                .parse()
                .map_err(|_| invalid(format!("`{}` is not an element of a tensor", short(text))))?;
            // A part of infinity is infinity: every answer would be near it.
            if !as_precise_as(got, expected).is_finite() {
                let what =
                    format!("`{}` is too large for the output; infinity is written as null", short(text));
                return Err(invalid(what));
            }
            (is_near(got, expected, text, tolerance), short(text))
        }
    };
    if same { Ok(()) } else { Err(Flaw::Differs(format!("expected {expected}, got {}", shown(got)))) }
}

fn is_near(got: Got<'_>, expected: f64, text: &str, tolerance: Tolerance) -> bool {
    match got {
        // An f64 does not hold every integer of 64 bits. Python writes some integers as 3.0.
        Got::Integer(got) => match text.parse::<i128>() {
            Ok(expected) => got == expected,
            #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and `as` saturates")]
            Err(_) => expected.fract() == 0.0 && got == expected as i128,
        },
        Got::Single(single) => tolerance.allows(as_precise_as(got, expected), single.into()),
        Got::Double(got) => tolerance.allows(expected, got),
        Got::Bool(_) | Got::Text(_) => false,
    }
}

/// The number that the output can have: 0.1 is another number of 32 bits than of 64.
fn as_precise_as(got: Got<'_>, expected: f64) -> f64 {
    match got {
        #[expect(clippy::cast_possible_truncation, reason = "it is rounded")]
        Got::Single(_) => (expected as f32).into(),
        _ => expected,
    }
}

fn shown(got: Got<'_>) -> String {
    match got {
        Got::Bool(value) => value.to_string(),
        Got::Integer(value) => value.to_string(),
        Got::Single(value) => value.to_string(),
        Got::Double(value) => value.to_string(),
        Got::Text(text) => format!("\"{}\"", short(text)),
    }
}

/// The beginning of a text.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use rstest::rstest;

    use super::*;

    const EXACT: Tolerance = Tolerance { absolute: 0.0, relative: 0.0 };

    fn judged(view: View<'_>, expected: &str, tolerance: Tolerance) -> Result<(), Flaw> {
        compare(&mut Scanner::new(expected.as_bytes()), view, 0, tolerance)
    }

    #[rstest]
    #[case::near_zero("0.0", 0.04, true)]
    #[case::too_far_from_zero("0.0", 0.06, false)]
    #[case::a_part_of_a_large_number("200", 220.0, true)]
    #[case::too_large_a_part("200", 220.2, false)]
    #[case::negative("-200", -220.0, true)]
    #[case::another_sign("-200", 200.0, false)]
    #[case::nan("null", f64::NAN, true)]
    #[case::infinity("null", f64::NEG_INFINITY, true)]
    #[case::a_number_for_nan("null", 0.0, false)]
    #[case::nan_for_a_number("0.0", f64::NAN, false)]
    #[case::infinity_for_a_number("1", f64::INFINITY, false)]
    #[case::a_text_for_a_number("\"1\"", 1.0, false)]
    fn a_number_may_differ_by_the_tolerance(#[case] expected: &str, #[case] got: f64, #[case] same: bool) {
        let tolerance = Tolerance { absolute: 0.05, relative: 0.1 };
        assert_eq!(judged(View::Fp64(&[got]), expected, tolerance).is_ok(), same);
    }

    #[rstest]
    #[case::of_32_bits(View::Fp32(&[0.5]), "1e39")]
    #[case::infinity_of_32_bits(View::Fp32(&[f32::INFINITY]), "1e39")]
    #[case::of_64_bits(View::Fp64(&[0.5]), "-1e309")]
    #[case::infinity_of_64_bits(View::Fp64(&[f64::INFINITY]), "1e309")]
    #[case::an_integer(View::Int64(&[7]), "1e309")]
    fn a_number_that_is_too_large_for_the_output_is_no_expectation(
        #[case] view: View<'_>,
        #[case] expected: &str,
    ) {
        let tolerance = Tolerance { absolute: 0.0, relative: 0.1 };
        let Err(Flaw::Invalid(message)) = judged(view, expected, tolerance) else {
            panic!("{expected} is near")
        };
        assert!(message.contains("too large"), "{message}");
    }

    #[test]
    fn without_a_tolerance_a_number_of_32_bits_is_compared_as_one() {
        assert_eq!(judged(View::Fp32(&[0.1]), "0.1", EXACT), Ok(()));
        assert_eq!(judged(View::Fp32(&[0.1]), "0.10000000149011612", EXACT), Ok(()));
        assert!(judged(View::Fp32(&[0.1]), "0.10000002", EXACT).is_err());
        assert_eq!(judged(View::Fp16(&[f16::from_f32(0.5)]), "0.5", EXACT), Ok(()));
    }

    #[rstest]
    #[case::the_largest(View::Uint64(&[u64::MAX]), "18446744073709551615", true)]
    #[case::next_to_the_largest(View::Uint64(&[u64::MAX]), "18446744073709551614", false)]
    #[case::written_as_a_float(View::Int64(&[3]), "3.0", true)]
    #[case::with_a_fraction(View::Int64(&[3]), "3.000001", false)]
    #[case::a_huge_float(View::Int64(&[i64::MAX]), "1e300", false)]
    #[case::text(View::Int8(&[3]), "\"3\"", false)]
    fn integers_must_be_equal_whatever_the_tolerance(
        #[case] view: View<'_>,
        #[case] expected: &str,
        #[case] same: bool,
    ) {
        let tolerance = Tolerance { absolute: 10.0, relative: 1.0 };
        assert_eq!(judged(view, expected, tolerance).is_ok(), same);
    }

    #[test]
    fn strings_and_booleans_must_be_equal() {
        let text = ["good".to_owned()];
        assert_eq!(judged(View::Bytes(&text), r#""g\u006fod""#, EXACT), Ok(()));
        let differs = Flaw::Differs(r#"expected "bad", got "good""#.to_owned());
        assert_eq!(judged(View::Bytes(&text), r#""bad""#, EXACT), Err(differs));
        assert_eq!(judged(View::Bool(&[true]), "true", EXACT), Ok(()));
        assert!(judged(View::Bool(&[true]), "false", EXACT).is_err());
        assert!(judged(View::Bool(&[true]), "1", EXACT).is_err());
    }

    #[test]
    fn a_long_text_is_short_in_a_message() {
        let long = ["é".repeat(1000)];
        let Err(Flaw::Differs(message)) = judged(View::Bytes(&long), "\"\"", EXACT) else { panic!() };
        assert!(message.chars().count() < 100, "{message}");
    }
}
