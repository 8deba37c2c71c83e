//! The binary extension: elements are little-endian bytes without padding; a string follows its length in four bytes.

use bytemuck::AnyBitPattern;

use super::{elements::too_many, scan::STRINGS};
use crate::{
    error::Refusal,
    tensor::{Data, Datatype},
};

/// Reads the `count` elements of input `name` from `blob`, which must hold exactly these elements.
///
/// The error names the input and says what is wrong with its bytes.
pub fn read(name: &str, datatype: Datatype, count: usize, blob: &[u8]) -> Result<Data, Refusal> {
    if let Some(size) = datatype.size()
        && count.checked_mul(size) != Some(blob.len())
    {
        return Err(Refusal::bad(format!(
            "input `{name}`: {count} elements of {datatype} are {size} bytes each, found {} bytes",
            blob.len()
        )));
    }
    Ok(match datatype {
        Datatype::Bool => Data::Bool(booleans(name, blob)?),
        Datatype::Uint8 => Data::Uint8(numbers(blob)),
        Datatype::Uint16 => Data::Uint16(numbers(blob)),
        Datatype::Uint32 => Data::Uint32(numbers(blob)),
        Datatype::Uint64 => Data::Uint64(numbers(blob)),
        Datatype::Int8 => Data::Int8(numbers(blob)),
        Datatype::Int16 => Data::Int16(numbers(blob)),
        Datatype::Int32 => Data::Int32(numbers(blob)),
        Datatype::Int64 => Data::Int64(numbers(blob)),
        Datatype::Fp16 => Data::Fp16(numbers(blob)),
        Datatype::Bf16 => Data::Bf16(numbers(blob)),
        Datatype::Fp32 => Data::Fp32(numbers(blob)),
        Datatype::Fp64 => Data::Fp64(numbers(blob)),
        Datatype::Bytes => Data::Bytes(strings(name, count, blob)?),
    })
}

// The protocol is little-endian. So are all machines that ONNX Runtime supports.
const _: () = assert!(cfg!(target_endian = "little"));

/// Copies the elements once: ONNX Runtime needs them aligned, and a body is not.
fn numbers<T: AnyBitPattern + bytemuck::NoUninit>(blob: &[u8]) -> Vec<T> {
    bytemuck::allocation::pod_collect_to_vec(blob)
}

fn booleans(name: &str, blob: &[u8]) -> Result<Vec<bool>, Refusal> {
    let boolean = |byte: &u8| match byte {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Refusal::bad(format!("input `{name}`: a BOOL must be one byte, 0 or 1, found {other}"))),
    };
    blob.iter().map(boolean).collect()
}

fn strings(name: &str, count: usize, mut blob: &[u8]) -> Result<Vec<String>, Refusal> {
    let wrong = |what: &str| Refusal::bad(format!("input `{name}`: {what}"));
    // An element has at least four bytes, so a wrong count cannot allocate more than the body's size.
    if count > STRINGS {
        return Err(too_many(name, STRINGS));
    }
    let mut strings = Vec::with_capacity(count.min(blob.len() / 4));
    while let Some((length, rest)) = blob.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((text, rest)) = rest.split_at_checked(length) else {
            return Err(wrong("an element of BYTES is longer than the rest of the tensor"));
        };
        if strings.len() == count {
            return Err(wrong(&format!("the shape needs {count} elements, found more")));
        }
        strings.push(text_of(name, text)?);
        blob = rest;
    }
    if !blob.is_empty() {
        return Err(wrong("trailing bytes after the last element of BYTES"));
    }
    if strings.len() != count {
        return Err(wrong(&format!("the shape needs {count} elements, found {}", strings.len())));
    }
    Ok(strings)
}

/// A string of an input: ONNX strings are UTF-8, and ONNX Runtime reads them up to the first NUL.
pub(super) fn text_of(name: &str, bytes: &[u8]) -> Result<String, Refusal> {
    let text = String::from_utf8(bytes.to_vec()).ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| Refusal::bad(format!("input `{name}`: an element of BYTES must be UTF-8 without NUL")))
}

/// Appends the elements as they are in memory.
pub fn write_numbers<T: bytemuck::NoUninit>(out: &mut Vec<u8>, elements: &[T]) {
    out.extend_from_slice(bytemuck::cast_slice(elements));
}

/// Appends the strings, each after its length.
pub fn write_strings(out: &mut Vec<u8>, elements: &[String]) {
    for element in elements {
        let length = u32::try_from(element.len()).expect("a string of an output is shorter than 4 GiB");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(element.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Datatype::Bool, &[1, 0], Data::Bool(vec![true, false]))]
    #[case(Datatype::Uint8, &[1, 255], Data::Uint8(vec![1, 255]))]
    #[case(Datatype::Int8, &[1, 255], Data::Int8(vec![1, -1]))]
    #[case(Datatype::Uint16, &[1, 2, 3, 4], Data::Uint16(vec![0x0201, 0x0403]))]
    #[case(Datatype::Int16, &[254, 255, 3, 4], Data::Int16(vec![-2, 0x0403]))]
    #[case(Datatype::Uint32, &[1, 2, 3, 4, 5, 0, 0, 0], Data::Uint32(vec![0x0403_0201, 5]))]
    #[case(Datatype::Int32, &[1, 2, 3, 4, 255, 255, 255, 255], Data::Int32(vec![0x0403_0201, -1]))]
    #[case(Datatype::Uint64, &[1, 0, 0, 0, 0, 0, 0, 128], Data::Uint64(vec![0x8000_0000_0000_0001]))]
    #[case(Datatype::Int64, &[254, 255, 255, 255, 255, 255, 255, 255], Data::Int64(vec![-2]))]
    #[case(Datatype::Fp16, &[0x00, 0x3c, 0x00, 0xc0], Data::Fp16(vec![f16::from_f32(1.0), f16::from_f32(-2.0)]))]
    #[case(Datatype::Bf16, &[0x80, 0x3f, 0x00, 0xc0], Data::Bf16(vec![bf16::from_f32(1.0), bf16::from_f32(-2.0)]))]
    #[case(Datatype::Fp32, &[0, 0, 0x20, 0x40, 0, 0, 0x80, 0xbf], Data::Fp32(vec![2.5, -1.0]))]
    #[case(Datatype::Fp64, &[0, 0, 0, 0, 0, 0, 4, 0x40], Data::Fp64(vec![2.5]))]
    #[case(Datatype::Bytes, &[2, 0, 0, 0, b'h', b'i', 0, 0, 0, 0], Data::Bytes(vec!["hi".into(), String::new()]))]
    fn elements_are_read_as_little_endian_in_row_order(
        #[case] datatype: Datatype,
        #[case] blob: &[u8],
        #[case] data: Data,
    ) {
        assert_eq!(read("x", datatype, data.len(), blob), Ok(data.clone()));
        // The same at an odd address, as behind a JSON header of any length.
        let shifted = [&[0], blob].concat();
        assert_eq!(read("x", datatype, data.len(), &shifted[1..]), Ok(data));
    }

    #[rstest]
    #[case(Datatype::Fp32, 2, &[0, 0, 0, 0])]
    #[case(Datatype::Fp32, 1, &[0, 0, 0, 0, 0])]
    #[case(Datatype::Fp64, usize::MAX, &[])]
    #[case(Datatype::Bool, 1, &[2])]
    #[case(Datatype::Bytes, 1, &[3, 0, 0, 0, b'h', b'i'])]
    #[case(Datatype::Bytes, 1, &[1, 0, 0, 0, b'h', b'i'])]
    #[case(Datatype::Bytes, 2, &[1, 0, 0, 0, b'h'])]
    #[case(Datatype::Bytes, 1, &[255, 255, 255, 255])]
    #[case(Datatype::Bytes, 1, &[1, 0, 0, 0, 0xff])]
    #[case(Datatype::Bytes, 1, &[3, 0, 0, 0, b'a', 0, b'b'])]
    fn a_tensor_whose_bytes_do_not_fit_its_shape_is_rejected(
        #[case] datatype: Datatype,
        #[case] count: usize,
        #[case] blob: &[u8],
    ) {
        let message = read("x", datatype, count, blob).unwrap_err().to_string();
        assert!(message.starts_with("input `x`: "), "{message}");
    }
}
