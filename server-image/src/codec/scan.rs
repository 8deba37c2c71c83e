//! A cursor over JSON text. It copies nothing and limits nesting to [`DEPTH`].

use std::borrow::Cow;

use super::number::{Decimal, decimal};
use crate::error::Refusal;

/// Deepest nesting of arrays and objects. A tensor has one level for each dimension; ONNX models have fewer than ten.
pub const DEPTH: usize = 32;

/// Most strings in one tensor of a request. An empty string is three bytes of JSON, and a hundred bytes in memory until the model
/// has run.
pub const STRINGS: usize = 1 << 20;

/// A cursor over JSON text. It skips white space before each token.
#[derive(Debug, Clone, Copy)]
pub struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A cursor at the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The number of bytes from the current position to the end.
    #[must_use]
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// A [`Refusal`] that names the current position and what is wrong there.
    #[must_use]
    pub fn wrong(&self, what: &str) -> Refusal {
        Refusal::BadRequest(format!("invalid JSON at byte {}: {what}", self.at))
    }

    /// The next byte that is not white space. The cursor stays before it.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Consumes `byte` if it is the next one, and returns whether it was.
    #[inline]
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Consumes `byte`. Any other byte is an error.
    pub fn expect(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(&format!("expected `{}`", char::from(byte)))) }
    }

    /// Checks that only white space follows.
    pub fn finish(mut self) -> Result<(), Refusal> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("trailing bytes")),
        }
    }

    /// Reads an object. `visit` must read the value of each key.
    pub fn object(
        &mut self,
        mut visit: impl FnMut(&mut Self, &str) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            visit(self, &key)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// Reads an array. `visit` must read each element.
    pub fn array(&mut self, mut visit: impl FnMut(&mut Self) -> Result<(), Refusal>) -> Result<(), Refusal> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            visit(self)?;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Reads a number: its parts and its text. `None` if no valid number follows.
    #[inline]
    pub(super) fn number(&mut self) -> Option<(Decimal, &'a [u8])> {
        self.peek();
        let number = decimal(self.bytes, self.at)?;
        let text = &self.bytes[self.at..number.end];
        self.at = number.end;
        Some((number, text))
    }

    /// Reads an integer. `None` if none follows that fits.
    pub fn integer(&mut self) -> Option<i64> {
        let (number, text) = self.number()?;
        number.to_integer(text)?.try_into().ok()
    }

    /// Reads `true` or `false`. `None` if neither follows.
    pub fn boolean(&mut self) -> Option<bool> {
        [true, false].into_iter().find(|value| self.literal(if *value { "true" } else { "false" }))
    }

    /// Consumes `literal` if it is next, and returns whether it was.
    pub fn literal(&mut self, literal: &str) -> bool {
        self.peek();
        let found = self.bytes[self.at..].starts_with(literal.as_bytes());
        self.at += if found { literal.len() } else { 0 };
        found
    }

    /// Reads a string. It is borrowed unless it has escapes.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Refusal> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let text = self.utf8(start)?;
                    self.at += 1;
                    return Ok(Cow::Borrowed(text));
                }
                Some(b'\\') => {
                    let text = self.utf8(start)?.to_owned();
                    return self.escaped(text).map(Cow::Owned);
                }
                Some(byte) if *byte >= b' ' => self.at += 1,
                Some(_) => return Err(self.wrong("a control character in a string")),
                None => return Err(self.wrong("a string that does not end")),
            }
        }
    }

    fn utf8(&self, start: usize) -> Result<&'a str, Refusal> {
        std::str::from_utf8(&self.bytes[start..self.at]).map_err(|_| self.wrong("a string that is not UTF-8"))
    }

    /// Reads the rest of a string. `text` is the part before its first backslash.
    fn escaped(&mut self, mut text: String) -> Result<String, Refusal> {
        loop {
            let start = self.at;
            while self.bytes.get(self.at).is_some_and(|byte| *byte >= b' ' && !matches!(byte, b'"' | b'\\')) {
                self.at += 1;
            }
            text.push_str(self.utf8(start)?);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    let escape = self.bytes.get(self.at + 1).copied();
                    self.at += 2;
                    text.push(match escape {
                        Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
                        Some(b'b') => '\u{8}',
                        Some(b'f') => '\u{c}',
                        Some(b'n') => '\n',
                        Some(b'r') => '\r',
                        Some(b't') => '\t',
                        Some(b'u') => self.unicode()?,
                        _ => return Err(self.wrong("an unknown escape")),
                    });
                }
                Some(_) => return Err(self.wrong("a control character in a string")),
                None => return Err(self.wrong("a string that does not end")),
            }
        }
    }

    /// The character after `\u`, which has one or two UTF-16 code units.
    fn unicode(&mut self) -> Result<char, Refusal> {
        let first = self.unit()?;
        let second = if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 2;
            Some(self.unit()?)
        } else {
            None
        };
        let units = [first, second.unwrap_or_default()];
        let mut decoded = char::decode_utf16(units[..=usize::from(second.is_some())].iter().copied());
        match (decoded.next(), decoded.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(self.wrong("half of a surrogate pair")),
        }
    }

    fn unit(&mut self) -> Result<u16, Refusal> {
        let digits =
            self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let unit = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u16::from_str_radix(digits, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.wrong("four hexadecimal digits expected"))
    }

    /// Skips any value, and returns its text.
    pub fn value(&mut self) -> Result<&'a [u8], Refusal> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(&self.bytes[start..self.at])
    }

    /// Skips any value.
    pub fn skip(&mut self) -> Result<(), Refusal> {
        self.skip_below(DEPTH)
    }

    fn skip_below(&mut self, depth: usize) -> Result<(), Refusal> {
        let deeper = |scanner: &Self| depth.checked_sub(1).ok_or_else(|| scanner.too_deep());
        match self.peek() {
            Some(b'{') => {
                let depth = deeper(self)?;
                self.object(|scanner, _| scanner.skip_below(depth))
            }
            Some(b'[') => {
                let depth = deeper(self)?;
                self.array(|scanner| scanner.skip_below(depth))
            }
            Some(b'"') => self.string().map(drop),
            Some(b't' | b'f') if self.boolean().is_some() => Ok(()),
            Some(b'n') if self.literal("null") => Ok(()),
            _ => self.number().map(drop).ok_or_else(|| self.wrong("expected a value")),
        }
    }

    pub(crate) fn too_deep(&self) -> Refusal {
        self.wrong(&format!("nested more than {DEPTH} deep"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#""""#, "")]
    #[case(r#""fraud""#, "fraud")]
    #[case(r#""a\"b\\c\/d\n\t\r\b\f""#, "a\"b\\c/d\n\t\r\u{8}\u{c}")]
    #[case(r#""\u00e9\ud83d\ude00é😀""#, "é😀é😀")]
    fn a_string_is_read_with_its_escapes(#[case] json: &str, #[case] expected: &str) {
        let mut scanner = Scanner::new(json.as_bytes());
        assert_eq!(scanner.string().unwrap(), expected);
        assert!(scanner.finish().is_ok());
    }

    #[rstest]
    #[case(br#""open"#)]
    #[case(br#""\ud83d""#)]
    #[case(br#""\ude00\ud83d""#)]
    #[case(br#""\ud83dx""#)]
    #[case(br#""\q""#)]
    #[case(br#""\u12"#)]
    #[case(b"\"a\nb\"")]
    #[case(b"\"\xff\"")]
    #[case(b"\"\\")]
    fn an_invalid_string_is_rejected(#[case] json: &[u8]) {
        assert!(Scanner::new(json).string().is_err());
    }

    #[test]
    fn skip_stops_after_one_value() {
        let json = br#" {"a":[1,-2.5e3,"x",true,false,null,{}],"b":{"c":[]}} ,"#;
        let mut scanner = Scanner::new(json);
        scanner.skip().unwrap();
        assert!(scanner.take(b','));
        assert!(scanner.finish().is_ok());
    }

    #[test]
    fn deeply_nested_brackets_do_not_overflow_the_stack() {
        let deep = "[".repeat(100_000);
        assert!(Scanner::new(deep.as_bytes()).skip().unwrap_err().to_string().contains("deep"));
    }
}
