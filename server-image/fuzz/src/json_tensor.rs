//! The `data` of a tensor in JSON. The first byte chooses the datatype, the rest is the text.

use understudy_server::{
    codec::{
        elements,
        scan::{DEPTH, Scanner},
        write,
    },
    error::Refusal,
    tensor::{Data, Datatype},
};

use crate::{memory::bounded, reference};

/// What is accepted is what `serde_json` and the standard library accept, with the same elements in the same nesting. What
/// is written reads back as the same elements.
pub fn check(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    let datatype = Datatype::ALL[usize::from(*choice) % Datatype::ALL.len()];
    let found = bounded(text, 16, 4096, |text| read(text, datatype)).ok();
    let expected = reference::nested(text)
        .filter(|nested| nested.depth <= DEPTH && datatype.has_json())
        .and_then(|nested| Some((reference::elements(datatype, &nested.leaves)?, nested.layout)));
    match (&found, &expected) {
        (None, None) => {}
        (Some((data, layout)), Some((elements, nesting))) => {
            assert_eq!(layout, nesting, "the nesting");
            assert_eq!(reference::blob(data), reference::blob(elements), "{data:?} instead of {elements:?}");
            let again = read(&written(data), datatype).expect("what was written can be read").0;
            assert_eq!(
                reference::blob(&again),
                reference::blob(data),
                "{again:?} after {data:?} was written"
            );
        }
        _ => panic!("read as {found:?}, expected {expected:?}"),
    }
}

fn read(text: &[u8], datatype: Datatype) -> Result<(Data, elements::Layout), Refusal> {
    let mut scanner = Scanner::new(text);
    let read = elements::read(&mut scanner, "x", datatype, text.len())?;
    scanner.finish()?;
    Ok(read)
}

fn written(data: &Data) -> Vec<u8> {
    let mut out = b"[".to_vec();
    match data {
        Data::Bool(elements) => write::list(&mut out, elements),
        Data::Uint8(elements) => write::list(&mut out, elements),
        Data::Uint16(elements) => write::list(&mut out, elements),
        Data::Uint32(elements) => write::list(&mut out, elements),
        Data::Uint64(elements) => write::list(&mut out, elements),
        Data::Int8(elements) => write::list(&mut out, elements),
        Data::Int16(elements) => write::list(&mut out, elements),
        Data::Int32(elements) => write::list(&mut out, elements),
        Data::Int64(elements) => write::list(&mut out, elements),
        Data::Fp16(elements) => write::list(&mut out, elements),
        Data::Bf16(elements) => write::list(&mut out, elements),
        Data::Fp32(elements) => write::list(&mut out, elements),
        Data::Fp64(elements) => write::list(&mut out, elements),
        Data::Bytes(elements) => write::list(&mut out, elements),
    }
    out.push(b']');
    out
}
