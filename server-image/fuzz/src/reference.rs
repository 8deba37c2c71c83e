//! What the readers of JSON are compared with: `serde_json` for the syntax, the standard library for the numbers. It is slow
//! and simple.

use std::collections::BTreeMap;

use half::{bf16, f16};
use serde_json::{Value, value::RawValue};
use understudy_server::{
    codec::binary,
    tensor::{Data, Datatype},
};

/// The values in nested lists, as text in their order, and the length of each level of lists.
#[derive(Debug, Default)]
pub struct Nested {
    /// Each value as it is written.
    pub leaves: Vec<String>,
    /// The length of each level.
    pub layout: Vec<usize>,
    /// The number of levels of the deepest list.
    pub depth: usize,
}

/// Reads nested lists. `None` if the text is not JSON, or lists of one level differ in length or depth.
#[must_use]
pub fn nested(text: &[u8]) -> Option<Nested> {
    let raw: &RawValue = serde_json::from_slice(text).ok()?;
    of_value(raw)
}

/// Like [`nested`], for a value.
#[must_use]
pub fn of_value(raw: &RawValue) -> Option<Nested> {
    if !raw.get().starts_with('[') {
        return Some(Nested { leaves: vec![raw.get().to_owned()], ..Nested::default() });
    }
    let items: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    let mut all = Nested { layout: vec![items.len()], depth: 1, ..Nested::default() };
    let mut inner = None;
    for item in &items {
        let Nested { leaves, layout, depth } = of_value(item)?;
        all.leaves.extend(leaves);
        all.depth = all.depth.max(depth + 1);
        if *inner.get_or_insert_with(|| layout.clone()) != layout {
            return None;
        }
    }
    all.layout.extend(inner.into_iter().flatten());
    Some(all)
}

/// The members of an object. Of members with the same name, the last one.
#[must_use]
pub fn members(raw: &RawValue) -> Option<BTreeMap<String, Box<RawValue>>> {
    serde_json::from_str(raw.get()).ok()
}

/// The values as elements of `datatype`. `None` if one of them does not fit.
#[must_use]
pub fn elements(datatype: Datatype, leaves: &[String]) -> Option<Data> {
    fn each<T>(leaves: &[String], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
        leaves.iter().map(|leaf| read(leaf)).collect()
    }
    fn whole<T: TryFrom<i128>>(text: &str) -> Option<T> {
        text.parse::<i128>().ok()?.try_into().ok()
    }
    let single =
        |text: &str| is_number(text).then(|| text.parse::<f32>().ok()).flatten().filter(|n| n.is_finite());
    let double =
        |text: &str| is_number(text).then(|| text.parse::<f64>().ok()).flatten().filter(|n| n.is_finite());
    Some(match datatype {
        Datatype::Bool => Data::Bool(each(leaves, |text| text.parse().ok())?),
        Datatype::Uint8 => Data::Uint8(each(leaves, whole)?),
        Datatype::Uint16 => Data::Uint16(each(leaves, whole)?),
        Datatype::Uint32 => Data::Uint32(each(leaves, whole)?),
        Datatype::Uint64 => Data::Uint64(each(leaves, whole)?),
        Datatype::Int8 => Data::Int8(each(leaves, whole)?),
        Datatype::Int16 => Data::Int16(each(leaves, whole)?),
        Datatype::Int32 => Data::Int32(each(leaves, whole)?),
        Datatype::Int64 => Data::Int64(each(leaves, whole)?),
        Datatype::Fp16 => Data::Fp16(each(leaves, |text| single(text).map(f16::from_f32))?),
        Datatype::Bf16 => Data::Bf16(each(leaves, |text| single(text).map(bf16::from_f32))?),
        Datatype::Fp32 => Data::Fp32(each(leaves, single)?),
        Datatype::Fp64 => Data::Fp64(each(leaves, double)?),
        Datatype::Bytes => Data::Bytes(each(leaves, |text| {
            serde_json::from_str::<String>(text).ok().filter(|text| !text.contains('\0'))
        })?),
    })
}

/// `inf` and `nan` are numbers for the standard library.
fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// The elements as a binary tensor. Equal bytes mean equal elements, also for NaN and for -0.
#[must_use]
pub fn blob(data: &Data) -> Vec<u8> {
    let mut out = Vec::new();
    match data {
        Data::Bool(elements) => out.extend(elements.iter().map(|element| u8::from(*element))),
        Data::Uint8(elements) => binary::write_numbers(&mut out, elements),
        Data::Uint16(elements) => binary::write_numbers(&mut out, elements),
        Data::Uint32(elements) => binary::write_numbers(&mut out, elements),
        Data::Uint64(elements) => binary::write_numbers(&mut out, elements),
        Data::Int8(elements) => binary::write_numbers(&mut out, elements),
        Data::Int16(elements) => binary::write_numbers(&mut out, elements),
        Data::Int32(elements) => binary::write_numbers(&mut out, elements),
        Data::Int64(elements) => binary::write_numbers(&mut out, elements),
        Data::Fp16(elements) => binary::write_numbers(&mut out, elements),
        Data::Bf16(elements) => binary::write_numbers(&mut out, elements),
        Data::Fp32(elements) => binary::write_numbers(&mut out, elements),
        Data::Fp64(elements) => binary::write_numbers(&mut out, elements),
        Data::Bytes(elements) => binary::write_strings(&mut out, elements),
    }
    out
}

/// The elements of a list.
#[must_use]
pub fn items(raw: &RawValue) -> Option<Vec<Box<RawValue>>> {
    serde_json::from_str(raw.get()).ok()
}

/// Whether an object in this JSON has two members with the same name. Readers may then see different documents.
#[must_use]
pub fn has_duplicates(json: &[u8]) -> bool {
    // A document without duplicates has as many colons outside of strings as members.
    let (mut colons, mut inside, mut escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = inside,
            b'"' => inside = !inside,
            b':' if !inside => colons += 1,
            _ => {}
        }
    }
    let document: Value = serde_json::from_slice(json).unwrap_or_default();
    colons != count_members(&document)
}

fn count_members(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(count_members).sum::<usize>(),
        Value::Array(items) => items.iter().map(count_members).sum(),
        _ => 0,
    }
}
