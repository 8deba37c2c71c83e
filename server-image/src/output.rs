//! One output of a run, as a tensor. Encoders see its shape and its elements, and not whose memory they are in.

use ort::value::{DynValue, PrimitiveTensorElementType, ValueType};

use crate::{
    tensor::{Data, Datatype, Tensor, elements},
    view::View,
};

/// One output of a run. It does not depend on the session any more: the next run may begin.
#[derive(Debug)]
pub struct Output(Memory);

#[derive(Debug)]
enum Memory {
    /// A tensor of numbers in ONNX Runtime's memory, with at least one element.
    Runtime(DynValue, Datatype),
    Own(Tensor),
}

impl From<Tensor> for Output {
    fn from(tensor: Tensor) -> Self {
        Self(Memory::Own(tensor))
    }
}

impl Output {
    /// An output of ONNX Runtime. Numbers stay where they are. Strings are copied, since ONNX Runtime has strings of its own.
    ///
    /// Fails with a sentence if the value is not a tensor, or not one of this datatype.
    pub fn of(value: DynValue, datatype: Datatype) -> Result<Self, String> {
        let shape = match value.dtype() {
            ValueType::Tensor { ty, shape, .. } if Datatype::from_onnx(*ty) == Some(datatype) => {
                shape.to_vec()
            }
            other => return Err(format!("it is {other} and not a tensor of {datatype}")),
        };
        // An empty tensor may have no memory to borrow.
        if elements(&shape).unwrap_or_default() == 0 {
            return Ok(Tensor { shape, data: Data::uniform(datatype, 0, false) }.into());
        }
        if datatype == Datatype::Bytes {
            let (_, texts) = value.try_extract_strings().map_err(|error| error.to_string())?;
            return Ok(Tensor { shape, data: Data::Bytes(texts) }.into());
        }
        Ok(Self(Memory::Runtime(value, datatype)))
    }

    /// The extent of each dimension.
    #[must_use]
    pub fn shape(&self) -> &[i64] {
        match &self.0 {
            Memory::Own(tensor) => &tensor.shape,
            Memory::Runtime(value, _) => match value.dtype() {
                ValueType::Tensor { shape, .. } => shape,
                _ => unreachable!("`of` takes tensors only"),
            },
        }
    }

    /// The number of elements.
    #[must_use]
    pub fn count(&self) -> usize {
        elements(self.shape()).unwrap_or_default()
    }

    /// The elements.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        let (value, datatype) = match &self.0 {
            Memory::Own(tensor) => return tensor.data.view(),
            Memory::Runtime(value, datatype) => (value, *datatype),
        };
        match datatype {
            Datatype::Bool => View::Bool(borrow(value)),
            Datatype::Uint8 => View::Uint8(borrow(value)),
            Datatype::Uint16 => View::Uint16(borrow(value)),
            Datatype::Uint32 => View::Uint32(borrow(value)),
            Datatype::Uint64 => View::Uint64(borrow(value)),
            Datatype::Int8 => View::Int8(borrow(value)),
            Datatype::Int16 => View::Int16(borrow(value)),
            Datatype::Int32 => View::Int32(borrow(value)),
            Datatype::Int64 => View::Int64(borrow(value)),
            Datatype::Fp16 => View::Fp16(borrow(value)),
            Datatype::Bf16 => View::Bf16(borrow(value)),
            Datatype::Fp32 => View::Fp32(borrow(value)),
            Datatype::Fp64 => View::Fp64(borrow(value)),
            Datatype::Bytes => unreachable!("`of` copies strings"),
        }
    }

    /// A copy.
    #[must_use]
    pub fn to_tensor(&self) -> Tensor {
        Tensor { shape: self.shape().to_vec(), data: Data::from(self.view()) }
    }
}

fn borrow<T: PrimitiveTensorElementType>(value: &DynValue) -> &[T] {
    value
        .try_extract_tensor()
        .expect("`of` has checked the datatype, and the processor can read the memory")
        .1
}
