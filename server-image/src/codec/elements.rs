//! The `data` of a tensor in JSON: flat or nested, row-major, read directly into the vector of its datatype.

use super::scan::{DEPTH, STRINGS, Scanner};
use crate::{
    error::Refusal,
    tensor::{Data, Datatype},
};

/// How the data is nested: the length of each level. One level means flat data, no level a bare scalar.
pub type Layout = Vec<usize>;

/// An element that has a JSON form.
trait Element: Sized {
    /// What is expected, for error messages.
    const WHAT: &'static str;
    /// Most elements of a tensor. Numbers are limited by the size of the body: none takes more than four times its text.
    const MOST: usize = usize::MAX;
    /// What `null` stands for in an answer of another server: JSON has no NaN.
    const NULL: Option<Self> = None;
    fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, Refusal>;
}

macro_rules! integer {
    ($($integer:ty: $datatype:literal),+) => {$(
        impl Element for $integer {
            const WHAT: &'static str = concat!("an integer that fits ", $datatype);
            #[inline]
            fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, Refusal> {
                Ok(scanner.number().and_then(|(number, text)| number.to_integer(text)?.try_into().ok()))
            }
        }
    )+};
}
integer!(u8: "UINT8", u16: "UINT16", u32: "UINT32", u64: "UINT64", i8: "INT8", i16: "INT16", i32: "INT32", i64: "INT64");

impl Element for f32 {
    const WHAT: &'static str = "a number that fits FP32";
    const NULL: Option<Self> = Some(Self::NAN);
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, Refusal> {
        Ok(scanner.number().and_then(|(number, text)| number.to_f32(text)))
    }
}

impl Element for f64 {
    const WHAT: &'static str = "a number that fits FP64";
    const NULL: Option<Self> = Some(Self::NAN);
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, Refusal> {
        Ok(scanner.number().and_then(|(number, text)| number.to_f64(text)))
    }
}

impl Element for bool {
    const WHAT: &'static str = "true or false";
    fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, Refusal> {
        Ok(scanner.boolean())
    }
}

impl Element for String {
    const WHAT: &'static str = "a string without NUL";
    const MOST: usize = STRINGS;
    fn read(scanner: &mut Scanner<'_>) -> Result<Option<Self>, Refusal> {
        if scanner.peek() != Some(b'"') {
            return Ok(None);
        }
        // ONNX Runtime reads strings up to the first NUL.
        Ok(Some(scanner.string()?.into_owned()).filter(|text| !text.contains('\0')))
    }
}

/// Reads the data of a tensor of `datatype`. The vector starts with a capacity of `expected` elements, but never more
/// than the rest of the text can hold.
///
/// `name` is the name of the tensor, for error messages.
pub fn read(
    scanner: &mut Scanner<'_>,
    name: &str,
    datatype: Datatype,
    expected: usize,
) -> Result<(Data, Layout), Refusal> {
    // An element has at least one byte and a comma, and a string has two quotes as well.
    let (shortest, most) = if datatype == Datatype::Bytes { (3, STRINGS) } else { (2, usize::MAX) };
    let mut data = Data::with_capacity(datatype, expected.min(scanner.left() / shortest + 1).min(most));
    let layout = append(scanner, name, &mut data)?;
    Ok((data, layout))
}

/// Reads the data of a tensor in an answer of another server, in which `null` is NaN.
pub fn read_answer(
    scanner: &mut Scanner<'_>,
    name: &str,
    datatype: Datatype,
) -> Result<(Data, Layout), Refusal> {
    let mut data = Data::with_capacity(datatype, 0);
    let layout = append_with::<true>(scanner, name, &mut data)?;
    Ok((data, layout))
}

/// Reads a value or nested lists, and appends the elements to `data`.
pub fn append(scanner: &mut Scanner<'_>, name: &str, data: &mut Data) -> Result<Layout, Refusal> {
    append_with::<false>(scanner, name, data)
}

/// `NULLS` says whether `null` is NaN.
fn append_with<const NULLS: bool>(
    scanner: &mut Scanner<'_>,
    name: &str,
    data: &mut Data,
) -> Result<Layout, Refusal> {
    macro_rules! append {
        ($elements:expr) => {{
            let elements = std::mem::take($elements);
            let mut list = List { elements, extents: Layout::new(), leaves: None };
            list.value::<NULLS>(scanner, name, 0)?;
            // An empty list beside an element, `[[],1]`, has a level below the elements.
            if list.leaves.is_some_and(|level| level != list.extents.len()) {
                return Err(ragged(name));
            }
            *$elements = list.elements;
            list.extents
        }};
    }
    Ok(match data {
        Data::Bool(elements) => append!(elements),
        Data::Uint8(elements) => append!(elements),
        Data::Uint16(elements) => append!(elements),
        Data::Uint32(elements) => append!(elements),
        Data::Uint64(elements) => append!(elements),
        Data::Int8(elements) => append!(elements),
        Data::Int16(elements) => append!(elements),
        Data::Int32(elements) => append!(elements),
        Data::Int64(elements) => append!(elements),
        Data::Fp32(elements) => append!(elements),
        Data::Fp64(elements) => append!(elements),
        Data::Bytes(elements) => append!(elements),
        Data::Fp16(_) | Data::Bf16(_) => {
            return Err(Refusal::bad(format!(
                "input `{name}`: {} has no JSON form; send it with `binary_data_size`",
                data.datatype()
            )));
        }
    })
}

/// Nested lists while they are read into one vector.
struct List<T> {
    elements: Vec<T>,
    /// The length of each level, as the first list of that level has it.
    extents: Layout,
    /// The level that holds the elements.
    leaves: Option<usize>,
}

impl<T: Element> List<T> {
    fn value<const NULLS: bool>(
        &mut self,
        scanner: &mut Scanner<'_>,
        name: &str,
        level: usize,
    ) -> Result<(), Refusal> {
        if scanner.take(b'[') {
            return self.list::<NULLS>(scanner, name, level);
        }
        let read = if NULLS && scanner.peek() == Some(b'n') && scanner.literal("null") {
            T::NULL
        } else {
            T::read(scanner)?
        };
        let Some(element) = read else {
            return Err(Refusal::bad(format!(
                "input `{name}`: {}",
                scanner.wrong(&format!("expected {}", T::WHAT))
            )));
        };
        if *self.leaves.get_or_insert(level) != level {
            return Err(ragged(name));
        }
        if self.elements.len() >= T::MOST {
            return Err(too_many(name, T::MOST));
        }
        self.elements.push(element);
        Ok(())
    }

    fn list<const NULLS: bool>(
        &mut self,
        scanner: &mut Scanner<'_>,
        name: &str,
        level: usize,
    ) -> Result<(), Refusal> {
        const OPEN: usize = usize::MAX;
        if level == DEPTH {
            return Err(scanner.too_deep());
        }
        if self.extents.len() == level {
            self.extents.push(OPEN);
        }
        let mut extent = 0;
        if !scanner.take(b']') {
            loop {
                self.value::<NULLS>(scanner, name, level + 1)?;
                extent += 1;
                if !scanner.take(b',') {
                    scanner.expect(b']')?;
                    break;
                }
            }
        }
        let first = &mut self.extents[level];
        if *first == OPEN {
            *first = extent;
        }
        if *first == extent { Ok(()) } else { Err(ragged(name)) }
    }
}

/// The refusal of a tensor with more than `most` elements.
pub(super) fn too_many(name: &str, most: usize) -> Refusal {
    Refusal::bad(format!("input `{name}` has more than {most} elements of BYTES; send several requests"))
}

fn ragged(name: &str) -> Refusal {
    Refusal::bad(format!("input `{name}`: the nested lists are not all of the same length and depth"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(json: &str, datatype: Datatype) -> Result<(Data, Layout), Refusal> {
        let mut scanner = Scanner::new(json.as_bytes());
        let read = read(&mut scanner, "x", datatype, 4)?;
        scanner.finish()?;
        Ok(read)
    }

    #[rstest]
    #[case("[1, 2.5 ,-3]", Datatype::Fp32, Data::Fp32(vec![1.0, 2.5, -3.0]), vec![3])]
    #[case("[[1,2],[3,4],[5,6]]", Datatype::Int64, Data::Int64(vec![1, 2, 3, 4, 5, 6]), vec![3, 2])]
    #[case("[[[1],[2]]]", Datatype::Uint8, Data::Uint8(vec![1, 2]), vec![1, 2, 1])]
    #[case("7", Datatype::Int32, Data::Int32(vec![7]), vec![])]
    #[case("[]", Datatype::Fp64, Data::Fp64(vec![]), vec![0])]
    #[case("[[],[]]", Datatype::Fp64, Data::Fp64(vec![]), vec![2, 0])]
    #[case("[true,false]", Datatype::Bool, Data::Bool(vec![true, false]), vec![2])]
    #[case(r#"["a","b\n"]"#, Datatype::Bytes, Data::Bytes(vec!["a".into(), "b\n".into()]), vec![2])]
    #[case("[-128,127]", Datatype::Int8, Data::Int8(vec![-128, 127]), vec![2])]
    #[case("[18446744073709551615]", Datatype::Uint64, Data::Uint64(vec![u64::MAX]), vec![1])]
    fn flat_and_nested_data_is_read_in_its_order(
        #[case] json: &str,
        #[case] datatype: Datatype,
        #[case] data: Data,
        #[case] layout: Layout,
    ) {
        assert_eq!(parse(json, datatype), Ok((data, layout)));
    }

    #[rstest]
    #[case("[[1,2],[3]]", Datatype::Int64, "same length")]
    #[case("[[1],2]", Datatype::Int64, "same length")]
    #[case("[1,[2]]", Datatype::Int64, "same length")]
    #[case("[[],1]", Datatype::Int64, "same length")]
    #[case("[1,[]]", Datatype::Int64, "same length")]
    #[case("[128]", Datatype::Int8, "fits INT8")]
    #[case("[-1]", Datatype::Uint32, "fits UINT32")]
    #[case("[1.5]", Datatype::Int64, "fits INT64")]
    #[case("[NaN]", Datatype::Fp32, "fits FP32")]
    #[case("[Infinity]", Datatype::Fp64, "fits FP64")]
    #[case("[1e39]", Datatype::Fp32, "fits FP32")]
    #[case("[null]", Datatype::Fp32, "fits FP32")]
    #[case("[1]", Datatype::Bool, "true or false")]
    #[case("[1]", Datatype::Bytes, "a string")]
    #[case("[1", Datatype::Int64, "`]`")]
    #[case("[1,]", Datatype::Int64, "an integer")]
    #[case("[1.0]", Datatype::Fp16, "no JSON form")]
    fn data_that_does_not_fit_the_datatype_is_rejected_with_a_reason(
        #[case] json: &str,
        #[case] datatype: Datatype,
        #[case] reason: &str,
    ) {
        let message = parse(json, datatype).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }
}
