//! Reads the protobuf wire format from a file, with limits.

use std::io::{BufReader, Read, Seek};

use super::{error::InspectError, limits::FIELDS};

/// Longest name of an operator, domain or tensor, in bytes.
const TEXT: u64 = 1024;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A number of variable length.
    Varint(u64),
    /// The length of a number of four or eight bytes. The reader has already skipped it.
    Fixed(u64),
    /// A text, bytes, a packed list or a message. It ends at this offset of the file.
    Until(u64),
}

/// A cursor over the file.
pub(super) struct WireReader<R> {
    reader: BufReader<R>,
    at: u64,
    end: u64,
    fields: u64,
}

impl<R: Read + Seek> WireReader<R> {
    pub(super) fn new(reader: BufReader<R>, end: u64) -> Self {
        Self { reader, at: 0, end, fields: 0 }
    }

    /// The size of the file in bytes.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// The current offset in the file.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The number and value of the next field of the message that ends at `end`. `None` after the last field.
    pub(super) fn next(&mut self, end: u64) -> Result<Option<(u32, Value)>, InspectError> {
        if self.at >= end {
            return Ok(None);
        }
        self.fields += 1;
        if self.fields > FIELDS {
            return Err(InspectError::TooManyFields);
        }
        let key = self.varint(end)?;
        // Other readers cut the key off after 32 bits, and would see another field than this one.
        let key = u32::try_from(key).map_err(|_| self.damaged("an impossible field number"))?;
        let field = key >> 3;
        if field == 0 {
            return Err(self.damaged("an impossible field number"));
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint(end)?),
            1 => self.fixed(8, end)?,
            2 => {
                let length = self.varint(end)?;
                let until = self.at.checked_add(length).filter(|until| *until <= end);
                Value::Until(until.ok_or_else(|| self.damaged("a length beyond the end of the message"))?)
            }
            5 => self.fixed(4, end)?,
            _ => return Err(self.damaged("an unknown wire type")),
        };
        Ok(Some((field, value)))
    }

    /// Skips a value.
    pub(super) fn skip(&mut self, value: Value) -> Result<(), InspectError> {
        match value {
            Value::Until(until) => self.seek(until),
            Value::Varint(_) | Value::Fixed(_) => Ok(()),
        }
    }

    /// Reads a name that ends at `until`.
    pub(super) fn text(&mut self, until: u64) -> Result<String, InspectError> {
        let length = until - self.at;
        if length > TEXT {
            return Err(self.damaged("a name longer than 1024 bytes"));
        }
        let mut bytes = Vec::new();
        self.reader.by_ref().take(length).read_to_end(&mut bytes)?;
        self.at = until;
        String::from_utf8(bytes).map_err(|_| self.damaged("a name that is not UTF-8"))
    }

    /// Reads one number of the message or packed list that ends at `end`.
    pub(super) fn varint(&mut self, end: u64) -> Result<u64, InspectError> {
        let mut number = 0;
        for shift in (0..70).step_by(7) {
            if self.at >= end {
                return Err(self.damaged("a number that does not end"));
            }
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            self.at += 1;
            number |= u64::from(byte[0] & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte[0] & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.damaged("a number of more than ten bytes"))
    }

    fn fixed(&mut self, bytes: u64, end: u64) -> Result<Value, InspectError> {
        if self.at + bytes > end {
            return Err(self.damaged("a number that does not end"));
        }
        self.seek(self.at + bytes)?;
        Ok(Value::Fixed(bytes))
    }

    fn seek(&mut self, to: u64) -> Result<(), InspectError> {
        let step = i64::try_from(to - self.at).map_err(|_| self.damaged("an impossible length"))?;
        self.reader.seek_relative(step)?;
        self.at = to;
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> InspectError {
        InspectError::Damaged { what, at: self.at }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u32, Value)>, InspectError> {
        let mut wire = WireReader::new(BufReader::new(Cursor::new(bytes)), bytes.len() as u64);
        let mut found = Vec::new();
        while let Some((field, value)) = wire.next(bytes.len() as u64)? {
            found.push((field, value));
            wire.skip(value)?;
        }
        Ok(found)
    }

    #[test]
    fn skip_stops_at_the_end_of_a_value_of_each_wire_type() {
        let bytes = [
            0x08, 0x96, 0x01, // 1: 150
            0x12, 0x02, b'h', b'i', // 2: two bytes, until 7
            0x1d, 1, 2, 3, 4, // 3: four bytes
            0x21, 1, 2, 3, 4, 5, 6, 7, 8, // 4: eight bytes
            0x28, 0x07, // 5: 7
        ];
        let expected = vec![
            (1, Value::Varint(150)),
            (2, Value::Until(7)),
            (3, Value::Fixed(4)),
            (4, Value::Fixed(8)),
            (5, Value::Varint(7)),
        ];
        assert_eq!(fields(&bytes).unwrap(), expected);
    }

    #[test]
    fn a_value_beyond_the_end_of_its_message_is_an_error() {
        for bytes in [
            &[0x12, 0x03, b'h', b'i'][..],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x08, 0x80],
            &[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            &[0x1d, 1, 2],
            &[0x0b],
            &[0x00, 0x01],
            // Field 5 with a bit beyond the 32 bits of a key.
            &[0xaa, 0x80, 0x80, 0x80, 0x10, 0x00],
        ] {
            assert!(matches!(fields(bytes), Err(InspectError::Damaged { .. })), "{bytes:x?}");
        }
    }
}
