//! The SHA-256 of a file in its two text forms.

use std::{fmt, str::FromStr};

/// The prefix that names the algorithm.
pub const PREFIX: &str = "sha256:";

/// A SHA-256. `Display` writes 64 lower-case hexadecimal digits, [`Digest::prefixed`] writes `sha256:<hex>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The form in statuses, records, headers and responses: `sha256:<hex>`.
    #[must_use]
    pub fn prefixed(&self) -> String {
        format!("{PREFIX}{self}")
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}{self}")
    }
}

/// The text is not a SHA-256.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidDigest;

impl fmt::Display for InvalidDigest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not a SHA-256: expected 64 hexadecimal digits")
    }
}

impl std::error::Error for InvalidDigest {}

impl FromStr for Digest {
    type Err = InvalidDigest;

    /// Reads 64 hexadecimal digits, upper or lower case, without a prefix.
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(InvalidDigest);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = (digit(pair[0]).ok_or(InvalidDigest)? << 4) | digit(pair[1]).ok_or(InvalidDigest)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3";

    #[test]
    fn a_digest_is_printed_as_it_was_read() {
        assert_eq!(TEXT.parse::<Digest>().unwrap().to_string(), TEXT);
        assert_eq!(TEXT.to_uppercase().parse::<Digest>().unwrap().to_string(), TEXT);
    }

    #[test]
    fn the_prefixed_form_names_the_algorithm() {
        assert_eq!(TEXT.parse::<Digest>().unwrap().prefixed(), format!("sha256:{TEXT}"));
    }

    #[test]
    fn any_other_text_is_rejected() {
        for text in ["", "fc44", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65), &"é".repeat(32)] {
            assert_eq!(text.parse::<Digest>(), Err(InvalidDigest), "{text}");
        }
    }
}
