//! Tensors that are too large for a row: the row has their shape and the SHA-256 of their bytes in place of the elements.

use sha2::{Digest as _, Sha256};
use understudy_contract::Digest;

use super::fields::{Fields, TensorGroup};
use crate::{
    call::{Call, Shadow},
    columns::{Column, Columns},
    tensor::{Data, Tensor},
    view::each_view,
};

/// The tensors of one call whose elements are not recorded. Most calls have none, and then this needs no memory.
#[derive(Debug, Default)]
pub(super) struct LargeTensors {
    list: Vec<Large>,
}

#[derive(Debug)]
struct Large {
    group: TensorGroup,
    /// Position in the signature.
    tensor: usize,
    /// Absent if the digest is redacted.
    sha256: Option<String>,
}

impl LargeTensors {
    /// Removes the elements of each tensor of `call` that has more than `fields.max_elements` in one column.
    pub(super) fn take(call: &mut Call, columns: &Columns, fields: &Fields) -> Self {
        let mut list = Vec::new();
        let mut take = |group, tensors: &mut [Tensor], columns: &[Column]| {
            for (position, tensor) in tensors.iter_mut().enumerate() {
                if is_large(tensor, position, columns, fields.max_elements) {
                    let sha256 = fields.has_sha256(group, position).then(|| sha256(&tensor.data));
                    list.push(Large { group, tensor: position, sha256 });
                    tensor.data = Data::uniform(tensor.data.datatype(), 0, false);
                }
            }
        };
        take(TensorGroup::Input, &mut call.inputs, &columns.inputs);
        take(TensorGroup::Main, &mut call.main.outputs, &columns.outputs);
        if let Shadow::Answered { answered, .. } = &mut call.challenger {
            take(TensorGroup::Challenger, &mut answered.outputs, &columns.outputs);
        }
        Self { list }
    }

    /// Whether the elements of this tensor are not recorded.
    #[inline]
    pub(super) fn contains(&self, group: TensorGroup, tensor: usize) -> bool {
        !self.list.is_empty() && self.find(group, tensor).is_some()
    }

    /// The SHA-256 of this tensor as 64 hexadecimal digits. `None` if its elements are recorded.
    pub(super) fn sha256(&self, group: TensorGroup, tensor: usize) -> Option<&str> {
        self.find(group, tensor)?.sha256.as_deref()
    }

    /// Size in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let digests = self.list.iter().filter_map(|large| large.sha256.as_ref());
        self.list.capacity() * size_of::<Large>() + digests.map(String::capacity).sum::<usize>()
    }

    fn find(&self, group: TensorGroup, tensor: usize) -> Option<&Large> {
        self.list.iter().find(|large| large.group == group && large.tensor == tensor)
    }
}

/// Whether a column of the tensor at `position` has more than `limit` elements.
fn is_large(tensor: &Tensor, position: usize, columns: &[Column], limit: usize) -> bool {
    // No column has more elements than its tensor. All features of a tensor have the same number of them.
    tensor.data.len() > limit
        && columns.iter().find(|column| column.tensor == position).is_some_and(|it| it.count(tensor) > limit)
}

/// The SHA-256 of the elements as in the binary extension: numbers in little-endian order, a boolean in one byte, and
/// each string after its length as a 32-bit integer.
fn sha256(data: &Data) -> String {
    let mut hasher = Sha256::new();
    each_view!(
        data.view(),
        numbers => hasher.update(bytemuck::cast_slice(numbers)),
        texts => for text in texts {
            let length = u32::try_from(text.len()).expect("a string of a call is shorter than 4 GiB");
            hasher.update(length.to_le_bytes());
            hasher.update(text);
        }
    );
    Digest::from(<[u8; 32]>::from(hasher.finalize())).to_string()
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn the_digest_is_that_of_the_bytes_in_the_binary_extension() {
        let of = |bytes: &[u8]| Digest::from(<[u8; 32]>::from(Sha256::digest(bytes))).to_string();
        for (data, bytes) in [
            (Data::Fp32(vec![1.5, -2.0]), &[0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0][..]),
            (Data::Int64(vec![258]), &[2, 1, 0, 0, 0, 0, 0, 0]),
            (Data::Fp16(vec![f16::from_f32(1.0)]), &[0, 0x3c]),
            (Data::Bool(vec![true, false]), &[1, 0]),
            (Data::Bytes(vec!["NL".to_owned(), String::new()]), &[2, 0, 0, 0, b'N', b'L', 0, 0, 0, 0]),
        ] {
            assert_eq!(sha256(&data), of(bytes), "{}", data.datatype());
        }
        assert_eq!(
            sha256(&Data::Uint8(b"abc".to_vec())),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "the example of FIPS 180"
        );
    }
}
