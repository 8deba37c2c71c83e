//! An inference request: JSON, JSON followed by binary tensors, or one raw tensor.

use std::{borrow::Cow, time::Duration};

use super::{
    InferRequest, RequestedOutput, binary, elements,
    gathered::{Gathered, datatype_of},
    scan::{DEPTH, Scanner},
};
use crate::{
    error::Refusal,
    signature::Signature,
    tensor::{Data, Datatype, ShapeText, Tensor, elements as count_of},
};

impl InferRequest {
    /// Reads `body`. `json_length` is the header `Inference-Header-Content-Length`, if the caller sent it. The value 0
    /// means that the whole body is the data of the only input.
    ///
    /// The error says which input or which byte is wrong.
    pub fn read(body: &[u8], json_length: Option<usize>, signature: &Signature) -> Result<Self, Refusal> {
        let Some((json, blobs)) = body.split_at_checked(json_length.unwrap_or(body.len())) else {
            return Err(Refusal::bad(format!(
                "Inference-Header-Content-Length is {}, but the body has {} bytes",
                json_length.unwrap_or_default(),
                body.len()
            )));
        };
        if json_length == Some(0) {
            return raw(blobs, signature);
        }
        let gathered = Gathered::new(signature);
        let mut reader =
            Reader { gathered, blobs, id: None, timeout: None, outputs: Vec::new(), binary: false };
        let mut scanner = Scanner::new(json);
        reader.request(&mut scanner)?;
        scanner.finish()?;
        reader.finish()
    }

    /// The id in a body that [`Self::read`] rejected, for the record of the failed call. `None` if the body has no id
    /// before its first error.
    #[must_use]
    pub fn id_of(body: &[u8], json_length: Option<usize>) -> Option<String> {
        let (json, _) = body.split_at_checked(json_length.unwrap_or(body.len()))?;
        let mut id = None;
        // `read` has already reported the error.
        let _ = Scanner::new(json).object(|scanner, key| match key {
            "id" => {
                id = Some(scanner.string()?.into_owned());
                Ok(())
            }
            _ => scanner.skip(),
        });
        id
    }
}

/// Reads a body that consists of the elements of the only input. The response has every output as a binary tensor.
fn raw(body: &[u8], signature: &Signature) -> Result<InferRequest, Refusal> {
    let [port] = signature.inputs.as_slice() else {
        return Err(Refusal::bad(format!(
            "a raw body is one tensor, but the model has {} inputs: {}",
            signature.inputs.len(),
            Signature::names(&signature.inputs)
        )));
    };
    let (count, data) = match port.datatype.size() {
        Some(size) => (body.len() / size, None),
        // A raw body of strings is one element without a length.
        None => (1, Some(Data::Bytes(vec![binary::text_of(&port.name, body)?]))),
    };
    let mut shape = port.shape.clone();
    let fixed = count_of(
        &shape.iter().map(|dimension| if *dimension == -1 { 1 } else { *dimension }).collect::<Vec<_>>(),
    );
    let mut variable = shape.iter_mut().filter(|dimension| **dimension == -1);
    match (variable.next(), variable.next(), fixed) {
        (Some(only), None, Some(fixed)) if fixed > 0 && count % fixed == 0 => {
            *only = i64::try_from(count / fixed).unwrap_or(i64::MAX);
        }
        (None, None, Some(fixed)) if fixed == count => {}
        // With more than one variable dimension, all except the last become 1.
        (Some(first), Some(second), Some(fixed)) if fixed > 0 && count % fixed == 0 => {
            let mut last = second;
            *first = 1;
            for next in variable {
                *last = 1;
                last = next;
            }
            *last = i64::try_from(count / fixed).unwrap_or(i64::MAX);
        }
        _ => {
            return Err(Refusal::bad(format!(
                "input `{}`: {} raw bytes do not fill the model's shape {} of {}",
                port.name,
                body.len(),
                port.shape_text(),
                port.datatype
            )));
        }
    }
    let data = data.map_or_else(|| binary::read(&port.name, port.datatype, count, body), Ok)?;
    let outputs = RequestedOutput::all(signature, true);
    Ok(InferRequest { id: None, timeout: None, inputs: vec![Tensor { shape, data }], outputs })
}

struct Reader<'a> {
    gathered: Gathered<'a>,
    /// The rest of the bytes after the JSON.
    blobs: &'a [u8],
    id: Option<String>,
    timeout: Option<Duration>,
    outputs: Vec<Requested<'a>>,
    /// The request's parameter `binary_data_output`.
    binary: bool,
}

/// What a request says about an output.
struct Requested<'a> {
    name: Cow<'a, str>,
    /// Its own `binary_data`.
    binary: Option<bool>,
    best: Option<usize>,
}

/// The `data` of an input. JSON may have the other fields after it.
enum InputData<'a> {
    None,
    Elements(Data, elements::Layout),
    /// The data stands before the datatype, and is read once the datatype is known.
    Ahead(Scanner<'a>),
}

impl<'a> Reader<'a> {
    fn request(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Refusal> {
        scanner.object(|scanner, key| match key {
            "id" => {
                self.id = Some(scanner.string()?.into_owned());
                Ok(())
            }
            "inputs" => scanner.array(|scanner| self.input(scanner)),
            "outputs" => scanner.array(|scanner| self.output(scanner)),
            "parameters" => scanner.object(|scanner, key| {
                match key {
                    "binary_data_output" => {
                        self.binary = boolean(scanner, "parameter `binary_data_output`")?;
                    }
                    "timeout" => {
                        let micros = whole(scanner, "parameter `timeout` must be a number of microseconds")?;
                        // Triton's clients send 0 for none.
                        self.timeout = (micros > 0).then(|| Duration::from_micros(micros));
                    }
                    _ => scanner.skip()?,
                }
                Ok(())
            }),
            _ => scanner.skip(),
        })
    }

    fn input(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Refusal> {
        let mut name: Option<Cow<'a, str>> = None;
        let (mut shape, mut datatype, mut size) = (None, None, None);
        let mut found = InputData::None;
        scanner.object(|scanner, key| {
            match key {
                "name" => name = Some(scanner.string()?),
                "shape" => shape = Some(read_shape(scanner)?),
                "datatype" => datatype = Some(read_datatype(scanner, name.as_deref())?),
                "parameters" => scanner.object(|scanner, key| match key {
                    "binary_data_size" => {
                        size = Some(read_size(scanner)?);
                        Ok(())
                    }
                    "shared_memory_region" => {
                        Err(Refusal::Unsupported("shared memory is not supported".into()))
                    }
                    _ => scanner.skip(),
                })?,
                "data" => {
                    found = if let Some(datatype) = datatype {
                        let expected = shape.as_deref().and_then(count_of).unwrap_or_default();
                        let name = name.as_deref().unwrap_or_default();
                        let (data, layout) = elements::read(scanner, name, datatype, expected)?;
                        InputData::Elements(data, layout)
                    } else {
                        let ahead = *scanner;
                        scanner.skip()?;
                        InputData::Ahead(ahead)
                    };
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        let name = name.ok_or_else(|| Refusal::bad("an input has no `name`"))?;
        let missing = |field: &str| Refusal::bad(format!("input `{name}` has no `{field}`"));
        let (shape, datatype) =
            (shape.ok_or_else(|| missing("shape"))?, datatype.ok_or_else(|| missing("datatype"))?);
        let (position, count) = self.gathered.place(&name, &shape, datatype)?;
        let data = match (found, size) {
            (InputData::None, None) => return Err(missing("data")),
            (InputData::None, Some(size)) => self.blob(&name, datatype, count, size)?,
            (_, Some(_)) => {
                return Err(Refusal::bad(format!("input `{name}` has both `data` and `binary_data_size`")));
            }
            (InputData::Elements(data, layout), None) => checked(&name, &shape, count, data, &layout)?,
            (InputData::Ahead(mut ahead), None) => {
                let (data, layout) = elements::read(&mut ahead, &name, datatype, count)?;
                checked(&name, &shape, count, data, &layout)?
            }
        };
        self.gathered.set(position, shape, data);
        Ok(())
    }

    /// Reads the next binary tensor, which has `size` bytes.
    fn blob(&mut self, name: &str, datatype: Datatype, count: usize, size: usize) -> Result<Data, Refusal> {
        let (blob, rest) = self.blobs.split_at_checked(size).ok_or_else(|| {
            Refusal::bad(format!(
                "input `{name}`: `binary_data_size` is {size}, but only {} bytes are left after the JSON",
                self.blobs.len()
            ))
        })?;
        self.blobs = rest;
        binary::read(name, datatype, count, blob)
    }

    fn output(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Refusal> {
        let (mut name, mut binary, mut best) = (None, None, None);
        scanner.object(|scanner, key| match key {
            "name" => {
                name = Some(scanner.string()?);
                Ok(())
            }
            "parameters" => scanner.object(|scanner, key| match key {
                "binary_data" => {
                    binary = Some(boolean(scanner, "parameter `binary_data`")?);
                    Ok(())
                }
                "classification" => {
                    let count = whole(scanner, "parameter `classification` must be a number of classes")?;
                    best = Some(usize::try_from(count).unwrap_or(usize::MAX));
                    Ok(())
                }
                "shared_memory_region" => Err(Refusal::Unsupported("shared memory is not supported".into())),
                _ => scanner.skip(),
            }),
            _ => scanner.skip(),
        })?;
        let name = name.ok_or_else(|| Refusal::bad("an output has no `name`"))?;
        self.outputs.push(Requested { name, binary, best });
        Ok(())
    }

    fn finish(self) -> Result<InferRequest, Refusal> {
        if !self.blobs.is_empty() {
            return Err(Refusal::bad(format!(
                "{} trailing bytes after the last binary tensor",
                self.blobs.len()
            )));
        }
        let mut gathered = self.gathered;
        for Requested { name, binary, best } in self.outputs {
            gathered.request(&name, binary.unwrap_or(self.binary), best)?;
        }
        let request = gathered.finish(self.binary)?;
        Ok(InferRequest { id: self.id, timeout: self.timeout, ..request })
    }
}

/// The data, if it has as many elements as the shape and is either flat or nested like the shape.
fn checked(
    name: &str,
    shape: &[i64],
    count: usize,
    data: Data,
    layout: &elements::Layout,
) -> Result<Data, Refusal> {
    if data.len() != count {
        return Err(Refusal::bad(format!(
            "input `{name}`: the shape {} needs {count} elements, found {}",
            ShapeText(shape),
            data.len()
        )));
    }
    let nested = layout.len() > 1;
    let same = || {
        layout.iter().map(|extent| i64::try_from(*extent).ok()).eq(shape.iter().map(|extent| Some(*extent)))
    };
    if nested && !same() {
        let layout: Vec<i64> =
            layout.iter().map(|extent| i64::try_from(*extent).unwrap_or(i64::MAX)).collect();
        return Err(Refusal::bad(format!(
            "input `{name}` has the shape {}, but its data is nested as {}",
            ShapeText(shape),
            ShapeText(&layout)
        )));
    }
    Ok(data)
}

fn read_shape(scanner: &mut Scanner<'_>) -> Result<Vec<i64>, Refusal> {
    let mut shape = Vec::with_capacity(4);
    scanner.array(|scanner| {
        let dimension = scanner.number().and_then(|(number, text)| number.to_integer(text)?.try_into().ok());
        shape.push(dimension.ok_or_else(|| scanner.wrong("a dimension must be an integer"))?);
        if shape.len() > DEPTH {
            return Err(scanner.wrong(&format!("a tensor has at most {DEPTH} dimensions")));
        }
        Ok(())
    })?;
    Ok(shape)
}

fn read_datatype(scanner: &mut Scanner<'_>, input: Option<&str>) -> Result<Datatype, Refusal> {
    datatype_of(&scanner.string()?, input)
}

fn read_size(scanner: &mut Scanner<'_>) -> Result<usize, Refusal> {
    let size = whole(scanner, "`binary_data_size` must be a number of bytes")?;
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

/// A whole number that is not negative. `otherwise` says what it means.
fn whole(scanner: &mut Scanner<'_>, otherwise: &str) -> Result<u64, Refusal> {
    let number = scanner.number().and_then(|(number, text)| number.to_integer(text)?.try_into().ok());
    number.ok_or_else(|| scanner.wrong(otherwise))
}

fn boolean(scanner: &mut Scanner<'_>, what: &str) -> Result<bool, Refusal> {
    scanner.boolean().ok_or_else(|| scanner.wrong(&format!("{what} must be true or false")))
}
