//! Elements as a caller has them, and how each form writes them. A form that cannot write them returns `None`.

use serde_json::{Value, json};
use understudy_server::proto::InferTensorContents;

/// The elements of a tensor. Their kind need not be the one of the tensor's datatype: a caller may be wrong.
#[derive(Debug, Clone)]
pub enum Values {
    Bools(Vec<bool>),
    Integers(Vec<i128>),
    Singles(Vec<f32>),
    Doubles(Vec<f64>),
    /// Numbers of 16 bits, as their bits.
    Halves(Vec<u16>),
    /// Strings, which may be no UTF-8.
    Texts(Vec<Vec<u8>>),
    /// Data that only JSON can write.
    Json(&'static str),
    /// Bytes that only binary tensors can have.
    Blob(Vec<u8>),
}

pub fn bools(elements: &[bool]) -> Values {
    Values::Bools(elements.to_vec())
}

pub fn integers(elements: &[i128]) -> Values {
    Values::Integers(elements.to_vec())
}

pub fn singles(elements: &[f32]) -> Values {
    Values::Singles(elements.to_vec())
}

pub fn doubles(elements: &[f64]) -> Values {
    Values::Doubles(elements.to_vec())
}

pub fn texts<T: AsRef<[u8]>>(elements: &[T]) -> Values {
    Values::Texts(elements.iter().map(|text| text.as_ref().to_vec()).collect())
}

impl Values {
    /// As JSON, which has no NaN and no infinity.
    pub fn json(&self) -> Option<Vec<u8>> {
        let elements: Vec<Vec<u8>> = match self {
            Self::Bools(elements) => elements.iter().map(|element| element.to_string().into()).collect(),
            Self::Integers(elements) => elements.iter().map(|element| element.to_string().into()).collect(),
            Self::Singles(elements) => elements
                .iter()
                .map(|element| element.is_finite().then(|| format!("{element:?}").into()))
                .collect::<Option<_>>()?,
            Self::Doubles(elements) => elements
                .iter()
                .map(|element| element.is_finite().then(|| format!("{element:?}").into()))
                .collect::<Option<_>>()?,
            Self::Texts(elements) => elements.iter().map(|text| quoted(text)).collect(),
            Self::Json(text) => return Some(text.as_bytes().to_vec()),
            Self::Halves(_) | Self::Blob(_) => return None,
        };
        Some([b"[", elements.join(&b","[..]).as_slice(), b"]"].concat())
    }

    /// As the data of an answer in JSON.
    pub fn answered(&self) -> Option<Value> {
        serde_json::from_slice(&self.json()?).ok()
    }

    /// As the bytes of a binary tensor.
    pub fn blob(&self, datatype: &str) -> Option<Vec<u8>> {
        match self {
            Self::Bools(elements) => Some(elements.iter().map(|element| u8::from(*element)).collect()),
            Self::Integers(elements) => {
                let blobs = elements.iter().map(|element| integer(*element, datatype));
                Some(blobs.collect::<Option<Vec<_>>>()?.concat())
            }
            Self::Singles(elements) => {
                Some(elements.iter().flat_map(|element| element.to_le_bytes()).collect())
            }
            Self::Doubles(elements) => {
                Some(elements.iter().flat_map(|element| element.to_le_bytes()).collect())
            }
            Self::Halves(elements) => {
                Some(elements.iter().flat_map(|element| element.to_le_bytes()).collect())
            }
            Self::Texts(elements) => Some(elements.iter().flat_map(|text| counted(text)).collect()),
            Self::Json(_) => None,
            Self::Blob(bytes) => Some(bytes.clone()),
        }
    }

    /// As the contents of a message: in the field of the datatype, or else in the one of their own kind.
    pub fn contents(&self, datatype: &str) -> Option<InferTensorContents> {
        let mut contents = InferTensorContents::default();
        match self {
            Self::Bools(elements) => contents.bool_contents.clone_from(elements),
            Self::Integers(elements) => {
                let (unsigned, signed) = (narrow(elements), narrow(elements));
                let (unsigned64, signed64) = (narrow(elements), narrow(elements));
                match datatype {
                    "UINT8" | "UINT16" | "UINT32" if unsigned.is_some() => contents.uint_contents = unsigned?,
                    "UINT64" if unsigned64.is_some() => contents.uint64_contents = unsigned64?,
                    "INT64" if signed64.is_some() => contents.int64_contents = signed64?,
                    "INT64" => contents.uint64_contents = unsigned64?,
                    "UINT64" => contents.int64_contents = signed64?,
                    _ if signed.is_some() => contents.int_contents = signed?,
                    _ => contents.int64_contents = signed64?,
                }
            }
            Self::Singles(elements) => contents.fp32_contents.clone_from(elements),
            Self::Doubles(elements) => contents.fp64_contents.clone_from(elements),
            Self::Texts(elements) => {
                contents.bytes_contents = elements.iter().map(|text| text.clone().into()).collect();
            }
            Self::Halves(_) | Self::Json(_) | Self::Blob(_) => return None,
        }
        Some(contents)
    }
}

/// The integers in a narrower type. `None` if one does not fit.
fn narrow<N: TryFrom<i128>>(elements: &[i128]) -> Option<Vec<N>> {
    elements.iter().map(|element| N::try_from(*element).ok()).collect()
}

/// The bytes of an integer. `None` if it does not fit the datatype: then there are no bytes for it.
fn integer(element: i128, datatype: &str) -> Option<Vec<u8>> {
    macro_rules! bytes {
        ($integer:ty) => {
            <$integer>::try_from(element).ok()?.to_le_bytes().to_vec()
        };
    }
    Some(match datatype {
        "BOOL" | "UINT8" => bytes!(u8),
        "INT8" => bytes!(i8),
        "UINT16" => bytes!(u16),
        "INT16" => bytes!(i16),
        "UINT32" => bytes!(u32),
        "INT32" => bytes!(i32),
        "UINT64" => bytes!(u64),
        _ => bytes!(i64),
    })
}

/// A string after its length.
fn counted(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat()
}

/// A string of JSON. Bytes that are no UTF-8 stay as they are.
fn quoted(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) => json!(text).to_string().into_bytes(),
        Err(_) => [b"\"", text, b"\""].concat(),
    }
}
