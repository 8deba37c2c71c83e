//! Looks through a `ModelInferRequest` before it is decoded. A field of two bytes can become a structure of hundreds, so that one
//! call could take all memory of the process.

use prost::{
    DecodeError,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};

use super::scan::STRINGS;
use crate::{error::Refusal, signature::Signature};

/// Fields of a request beside those of its tensors: names, parameters.
const FIELDS: usize = 1024;
/// Fields of one tensor: name, datatype, shape, contents, parameters.
const FIELDS_OF_A_TENSOR: usize = 16;
/// Bytes of one shape: it has at most so many dimensions.
const SHAPE: usize = 1024;

/// The messages whose fields are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Input,
    Output,
    Contents,
}

impl Kind {
    /// The message in a field.
    const fn inner(self, field: u32) -> Option<Self> {
        match (self, field) {
            (Self::Request, 5) => Some(Self::Input),
            (Self::Request, 6) => Some(Self::Output),
            (Self::Input, 5) => Some(Self::Contents),
            _ => None,
        }
    }
}

/// What a message has so far.
#[derive(Default)]
struct Seen<'b> {
    fields: usize,
    /// Elements of the datatype BYTES in this input.
    texts: usize,
    id: Option<&'b [u8]>,
}

impl<'b> Seen<'b> {
    fn look(&mut self, kind: Kind, mut bytes: &'b [u8], most: usize) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let (field, wire) = decode_key(&mut bytes).map_err(invalid)?;
            if wire != WireType::LengthDelimited {
                // A number. It takes no more memory than it has bytes.
                skip_field(wire, field, &mut bytes, DecodeContext::default()).map_err(invalid)?;
                continue;
            }
            let length = decode_varint(&mut bytes).map_err(invalid)?;
            let (value, rest) = usize::try_from(length)
                .ok()
                .and_then(|length| bytes.split_at_checked(length))
                .ok_or_else(|| Refusal::bad("invalid ModelInferRequest: it ends too early"))?;
            bytes = rest;
            match (kind, field) {
                (Kind::Contents, 8) => self.texts += 1,
                _ => self.fields += 1,
            }
            if self.fields > most {
                return Err(Refusal::bad(format!(
                    "the message has more than {most} tensors, names and parameters"
                )));
            }
            if self.texts > STRINGS {
                return Err(Refusal::bad(format!("an input has more than {STRINGS} elements of BYTES")));
            }
            match (kind, field) {
                (Kind::Request, 3) => self.id = Some(value),
                (Kind::Request, 5) => self.texts = 0,
                (Kind::Input, 3) if value.len() > SHAPE => {
                    return Err(Refusal::bad(format!("an input has a shape of more than {SHAPE} bytes")));
                }
                _ => {}
            }
            if let Some(inner) = kind.inner(field) {
                self.look(inner, value, most)?;
            }
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of `map_err`")]
fn invalid(error: DecodeError) -> Refusal {
    Refusal::bad(format!("invalid ModelInferRequest: {error}"))
}

/// Fails unless the message has a number of fields that fits the model, and so takes a small multiple of its size once it is
/// decoded.
pub fn ensure(message: &[u8], signature: &Signature) -> Result<(), Refusal> {
    let tensors = signature.inputs.len() + signature.outputs.len();
    Seen::default().look(Kind::Request, message, FIELDS + FIELDS_OF_A_TENSOR * tensors)
}

/// The id of a message, also of one that [`ensure`] refuses. `None` if it has none before the place where it is refused.
#[must_use]
pub fn id_of(message: &[u8]) -> Option<String> {
    let mut seen = Seen::default();
    // The refusal has been answered.
    let _ = seen.look(Kind::Request, message, FIELDS);
    let id = seen.id.filter(|id| !id.is_empty())?;
    String::from_utf8(id.to_vec()).ok()
}
