//! Datatypes and tensors of the Open Inference Protocol, as inputs of ONNX Runtime.

use std::fmt;

use half::{bf16, f16};
use ort::{
    session::SessionInputValue,
    value::{Tensor as OrtTensor, TensorElementType, TensorRef},
};

use crate::view::View;

/// A datatype of the Open Inference Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the protocol's own name")]
pub enum Datatype {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Bf16,
    Fp32,
    Fp64,
    Bytes,
}

impl Datatype {
    /// All datatypes, in the order of the protocol.
    pub const ALL: [Self; 14] = [
        Self::Bool,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Fp16,
        Self::Bf16,
        Self::Fp32,
        Self::Fp64,
        Self::Bytes,
    ];

    /// Whether its values are floating-point numbers.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Fp16 | Self::Bf16 | Self::Fp32 | Self::Fp64)
    }

    /// Its name in the protocol.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Fp16 => "FP16",
            Self::Bf16 => "BF16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    /// The datatype with this name in the protocol.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|datatype| datatype.name() == name)
    }

    /// Bytes of one element in the binary extension. `None` for BYTES, whose elements have a length each.
    #[must_use]
    pub fn size(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => Some(1),
            Self::Uint16 | Self::Int16 | Self::Fp16 | Self::Bf16 => Some(2),
            Self::Uint32 | Self::Int32 | Self::Fp32 => Some(4),
            Self::Uint64 | Self::Int64 | Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }

    /// Whether the protocol has a JSON form for it. FP16 and BF16 have none.
    #[must_use]
    pub fn has_json(self) -> bool {
        !matches!(self, Self::Fp16 | Self::Bf16)
    }

    /// The datatype of an ONNX tensor. `None` if the protocol cannot carry it (complex numbers, 4-bit integers, 8-bit floats).
    #[must_use]
    pub fn from_onnx(element: TensorElementType) -> Option<Self> {
        Some(match element {
            TensorElementType::Bool => Self::Bool,
            TensorElementType::Uint8 => Self::Uint8,
            TensorElementType::Uint16 => Self::Uint16,
            TensorElementType::Uint32 => Self::Uint32,
            TensorElementType::Uint64 => Self::Uint64,
            TensorElementType::Int8 => Self::Int8,
            TensorElementType::Int16 => Self::Int16,
            TensorElementType::Int32 => Self::Int32,
            TensorElementType::Int64 => Self::Int64,
            TensorElementType::Float16 => Self::Fp16,
            TensorElementType::Bfloat16 => Self::Bf16,
            TensorElementType::Float32 => Self::Fp32,
            TensorElementType::Float64 => Self::Fp64,
            TensorElementType::String => Self::Bytes,
            _ => return None,
        })
    }
}

impl fmt::Display for Datatype {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl serde::Serialize for Datatype {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The elements of a tensor, in row-major order.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is a datatype of the protocol")]
pub enum Data {
    Bool(Vec<bool>),
    Uint8(Vec<u8>),
    Uint16(Vec<u16>),
    Uint32(Vec<u32>),
    Uint64(Vec<u64>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Fp16(Vec<f16>),
    Bf16(Vec<bf16>),
    Fp32(Vec<f32>),
    Fp64(Vec<f64>),
    Bytes(Vec<String>),
}

/// Runs `$body` with `$elements` bound to the vector in `$data`, for each variant.
macro_rules! each_datatype {
    ($data:expr, $elements:ident => $body:expr) => {
        match $data {
            $crate::tensor::Data::Bool($elements) => $body,
            $crate::tensor::Data::Uint8($elements) => $body,
            $crate::tensor::Data::Uint16($elements) => $body,
            $crate::tensor::Data::Uint32($elements) => $body,
            $crate::tensor::Data::Uint64($elements) => $body,
            $crate::tensor::Data::Int8($elements) => $body,
            $crate::tensor::Data::Int16($elements) => $body,
            $crate::tensor::Data::Int32($elements) => $body,
            $crate::tensor::Data::Int64($elements) => $body,
            $crate::tensor::Data::Fp16($elements) => $body,
            $crate::tensor::Data::Bf16($elements) => $body,
            $crate::tensor::Data::Fp32($elements) => $body,
            $crate::tensor::Data::Fp64($elements) => $body,
            $crate::tensor::Data::Bytes($elements) => $body,
        }
    };
}

pub(crate) use each_datatype;

impl Data {
    /// `count` elements that are all zero (false, `""`), or all one (true, `"1"`).
    #[must_use]
    pub fn uniform(datatype: Datatype, count: usize, one: bool) -> Self {
        let (unsigned, float) = (u8::from(one), if one { f32::from(1_u8) } else { 0.0 });
        match datatype {
            Datatype::Bool => Self::Bool(vec![one; count]),
            Datatype::Uint8 => Self::Uint8(vec![unsigned; count]),
            Datatype::Uint16 => Self::Uint16(vec![unsigned.into(); count]),
            Datatype::Uint32 => Self::Uint32(vec![unsigned.into(); count]),
            Datatype::Uint64 => Self::Uint64(vec![unsigned.into(); count]),
            Datatype::Int8 => Self::Int8(vec![i8::from(one); count]),
            Datatype::Int16 => Self::Int16(vec![unsigned.into(); count]),
            Datatype::Int32 => Self::Int32(vec![unsigned.into(); count]),
            Datatype::Int64 => Self::Int64(vec![unsigned.into(); count]),
            Datatype::Fp16 => Self::Fp16(vec![f16::from_f32(float); count]),
            Datatype::Bf16 => Self::Bf16(vec![bf16::from_f32(float); count]),
            Datatype::Fp32 => Self::Fp32(vec![float; count]),
            Datatype::Fp64 => Self::Fp64(vec![float.into(); count]),
            Datatype::Bytes => Self::Bytes(vec![if one { "1".to_owned() } else { String::new() }; count]),
        }
    }

    /// No elements, with room for `capacity`.
    #[must_use]
    pub fn with_capacity(datatype: Datatype, capacity: usize) -> Self {
        match datatype {
            Datatype::Bool => Self::Bool(Vec::with_capacity(capacity)),
            Datatype::Uint8 => Self::Uint8(Vec::with_capacity(capacity)),
            Datatype::Uint16 => Self::Uint16(Vec::with_capacity(capacity)),
            Datatype::Uint32 => Self::Uint32(Vec::with_capacity(capacity)),
            Datatype::Uint64 => Self::Uint64(Vec::with_capacity(capacity)),
            Datatype::Int8 => Self::Int8(Vec::with_capacity(capacity)),
            Datatype::Int16 => Self::Int16(Vec::with_capacity(capacity)),
            Datatype::Int32 => Self::Int32(Vec::with_capacity(capacity)),
            Datatype::Int64 => Self::Int64(Vec::with_capacity(capacity)),
            Datatype::Fp16 => Self::Fp16(Vec::with_capacity(capacity)),
            Datatype::Bf16 => Self::Bf16(Vec::with_capacity(capacity)),
            Datatype::Fp32 => Self::Fp32(Vec::with_capacity(capacity)),
            Datatype::Fp64 => Self::Fp64(Vec::with_capacity(capacity)),
            Datatype::Bytes => Self::Bytes(Vec::with_capacity(capacity)),
        }
    }

    /// The datatype of the elements.
    #[must_use]
    pub fn datatype(&self) -> Datatype {
        match self {
            Self::Bool(_) => Datatype::Bool,
            Self::Uint8(_) => Datatype::Uint8,
            Self::Uint16(_) => Datatype::Uint16,
            Self::Uint32(_) => Datatype::Uint32,
            Self::Uint64(_) => Datatype::Uint64,
            Self::Int8(_) => Datatype::Int8,
            Self::Int16(_) => Datatype::Int16,
            Self::Int32(_) => Datatype::Int32,
            Self::Int64(_) => Datatype::Int64,
            Self::Fp16(_) => Datatype::Fp16,
            Self::Bf16(_) => Datatype::Bf16,
            Self::Fp32(_) => Datatype::Fp32,
            Self::Fp64(_) => Datatype::Fp64,
            Self::Bytes(_) => Datatype::Bytes,
        }
    }

    /// The elements, borrowed.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        match self {
            Self::Bool(elements) => View::Bool(elements),
            Self::Uint8(elements) => View::Uint8(elements),
            Self::Uint16(elements) => View::Uint16(elements),
            Self::Uint32(elements) => View::Uint32(elements),
            Self::Uint64(elements) => View::Uint64(elements),
            Self::Int8(elements) => View::Int8(elements),
            Self::Int16(elements) => View::Int16(elements),
            Self::Int32(elements) => View::Int32(elements),
            Self::Int64(elements) => View::Int64(elements),
            Self::Fp16(elements) => View::Fp16(elements),
            Self::Bf16(elements) => View::Bf16(elements),
            Self::Fp32(elements) => View::Fp32(elements),
            Self::Fp64(elements) => View::Fp64(elements),
            Self::Bytes(elements) => View::Bytes(elements),
        }
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        each_datatype!(self, elements => elements.len())
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A copy.
impl From<View<'_>> for Data {
    fn from(view: View<'_>) -> Self {
        match view {
            View::Bool(elements) => Self::Bool(elements.to_vec()),
            View::Uint8(elements) => Self::Uint8(elements.to_vec()),
            View::Uint16(elements) => Self::Uint16(elements.to_vec()),
            View::Uint32(elements) => Self::Uint32(elements.to_vec()),
            View::Uint64(elements) => Self::Uint64(elements.to_vec()),
            View::Int8(elements) => Self::Int8(elements.to_vec()),
            View::Int16(elements) => Self::Int16(elements.to_vec()),
            View::Int32(elements) => Self::Int32(elements.to_vec()),
            View::Int64(elements) => Self::Int64(elements.to_vec()),
            View::Fp16(elements) => Self::Fp16(elements.to_vec()),
            View::Bf16(elements) => Self::Bf16(elements.to_vec()),
            View::Fp32(elements) => Self::Fp32(elements.to_vec()),
            View::Fp64(elements) => Self::Fp64(elements.to_vec()),
            View::Bytes(elements) => Self::Bytes(elements.to_vec()),
        }
    }
}

/// A shape, and as many elements as the shape requires.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The extent of each dimension. Empty for a scalar.
    pub shape: Vec<i64>,
    /// The elements.
    pub data: Data,
}

impl Tensor {
    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let elements = match &self.data {
            Data::Bytes(texts) => texts.iter().map(|text| text.len() + size_of::<String>()).sum(),
            data => each_datatype!(data, elements => size_of_val(elements.as_slice())),
        };
        size_of::<Self>() + size_of_val(self.shape.as_slice()) + elements
    }

    /// The tensor as an input of a session. Numbers are borrowed. Strings are copied, because ONNX Runtime has strings of
    /// its own.
    pub fn as_input(&self) -> Result<SessionInputValue<'_>, ort::Error> {
        macro_rules! borrow {
            ($elements:expr) => {
                TensorRef::from_array_view((self.shape.as_slice(), $elements.as_slice()))?.into()
            };
        }
        Ok(match &self.data {
            Data::Bool(elements) => borrow!(elements),
            Data::Uint8(elements) => borrow!(elements),
            Data::Uint16(elements) => borrow!(elements),
            Data::Uint32(elements) => borrow!(elements),
            Data::Uint64(elements) => borrow!(elements),
            Data::Int8(elements) => borrow!(elements),
            Data::Int16(elements) => borrow!(elements),
            Data::Int32(elements) => borrow!(elements),
            Data::Int64(elements) => borrow!(elements),
            Data::Fp16(elements) => borrow!(elements),
            Data::Bf16(elements) => borrow!(elements),
            Data::Fp32(elements) => borrow!(elements),
            Data::Fp64(elements) => borrow!(elements),
            Data::Bytes(elements) => {
                OrtTensor::from_string_array((self.shape.as_slice(), elements.as_slice()))?.into()
            }
        })
    }
}

/// A shape for a message: `[-1,30]`.
pub struct ShapeText<'a>(pub &'a [i64]);

impl fmt::Display for ShapeText<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[")?;
        for (position, dimension) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(formatter, "{comma}{dimension}")?;
        }
        formatter.write_str("]")
    }
}

/// The number of elements of `shape`. `None` if a dimension is negative or the product overflows.
#[must_use]
pub fn elements(shape: &[i64]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |product, dimension| product.checked_mul(usize::try_from(*dimension).ok()?))
}
