//! Writes values as JSON text.

use half::{bf16, f16};

/// A value that has a JSON form.
pub trait Json {
    /// Appends the value to `out`. NaN and infinity have no JSON form and become `null`.
    fn write(&self, out: &mut Vec<u8>);
}

macro_rules! integer {
    ($($integer:ty),+) => {$(
        impl Json for $integer {
            #[inline]
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }
        }
    )+};
}
integer!(u8, u16, u32, u64, i8, i16, i32, i64, usize);

macro_rules! float {
    ($($float:ty),+) => {$(
        impl Json for $float {
            #[inline]
            fn write(&self, out: &mut Vec<u8>) {
                if self.is_finite() {
                    out.extend_from_slice(zmij::Buffer::new().format_finite(*self).as_bytes());
                } else {
                    out.extend_from_slice(b"null");
                }
            }
        }
    )+};
}
float!(f32, f64);

impl Json for f16 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_f32().write(out);
    }
}

impl Json for bf16 {
    fn write(&self, out: &mut Vec<u8>) {
        self.to_f32().write(out);
    }
}

impl Json for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

impl Json for str {
    fn write(&self, out: &mut Vec<u8>) {
        serde_json::to_writer(out, self).expect("writing to memory does not fail");
    }
}

impl Json for String {
    fn write(&self, out: &mut Vec<u8>) {
        self.as_str().write(out);
    }
}

/// Appends the values, separated by commas.
#[inline]
pub fn list<'v, T: Json + 'v>(out: &mut Vec<u8>, values: impl IntoIterator<Item = &'v T>) {
    for (position, value) in values.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        value.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text<T: Json>(values: &[T]) -> String {
        let mut out = Vec::new();
        list(&mut out, values);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_number_is_written_with_the_fewest_digits_that_read_back_as_the_same_number() {
        assert_eq!(text(&[0.1_f32, -0.0, 1.0, 16_777_216.0]), "0.1,-0.0,1.0,16777216.0");
        assert_eq!(text(&[0.1_f64, f64::from(0.1_f32)]), "0.1,0.10000000149011612");
        assert_eq!(text(&[u64::MAX, 0]), "18446744073709551615,0");
        assert_eq!(text(&[i8::MIN]), "-128");
        for value in [f32::MAX, f32::MIN_POSITIVE, 1e-45, 3.402_823e-38] {
            assert_eq!(text(&[value]).parse(), Ok(value));
            assert!(serde_json::from_str::<f64>(&text(&[value])).is_ok(), "{value} is written as valid JSON");
        }
    }

    #[test]
    fn nan_and_infinity_become_null() {
        assert_eq!(text(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.5]), "null,null,null,1.5");
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(text(&["a\"\\\n\u{1}é".to_owned()]), r#""a\"\\\n\u0001é""#);
    }
}
