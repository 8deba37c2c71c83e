//! The records of `/predict`, while their values are read into one tensor for each input.

use std::{collections::HashMap, ops::Range};

use half::{bf16, f16};

use super::{elements, scan::Scanner};
use crate::{
    error::Refusal,
    signature::Port,
    tensor::{Data, Datatype, ShapeText, Tensor, elements as count_of},
};

/// The tensors of the records so far.
pub(super) struct Batch<'m, 'b> {
    inputs: Vec<Input<'m>>,
    /// Name and slot of each column, in the order of the tensors. Columns with the same name have the same slot.
    columns: Vec<(&'m str, usize)>,
    slots: HashMap<&'m str, usize>,
    /// Where the values of the current record begin, by slot.
    values: Vec<Option<Scanner<'b>>>,
    rows: usize,
}

/// An input of the model.
struct Input<'m> {
    port: &'m Port,
    /// Its columns.
    columns: Range<usize>,
    /// The values of all records so far.
    data: Data,
    /// The extents of the values of the first record.
    extents: Option<Vec<i64>>,
}

impl<'m, 'b> Batch<'m, 'b> {
    /// A record has one value for each input.
    pub(super) fn of_inputs(ports: &'m [Port]) -> Self {
        let inputs =
            ports.iter().enumerate().map(|(position, port)| Input::new(port, position..position + 1));
        Self::new(inputs.collect(), ports.iter().map(|port| port.name.as_str()))
    }

    /// A record has one value for each feature of the vector `port`.
    pub(super) fn of_features(port: &'m Port, features: &'m [String]) -> Self {
        Self::new(vec![Input::new(port, 0..features.len())], features.iter().map(String::as_str))
    }

    fn new(inputs: Vec<Input<'m>>, names: impl Iterator<Item = &'m str>) -> Self {
        let mut slots = HashMap::new();
        let columns: Vec<_> = names
            .map(|name| {
                let next = slots.len();
                (name, *slots.entry(name).or_insert(next))
            })
            .collect();
        Self { inputs, columns, values: vec![None; slots.len()], slots, rows: 0 }
    }

    /// The number of records so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Reads the next record. An unknown column is an error, since it is probably a typing error.
    pub(super) fn add(&mut self, scanner: &mut Scanner<'b>) -> Result<(), Refusal> {
        let row = self.rows;
        self.values.fill(None);
        scanner.object(|scanner, key| {
            let slot = *self.slots.get(key).ok_or_else(|| unknown(row, key, &self.columns))?;
            self.values[slot] = Some(*scanner);
            scanner.skip()
        })?;
        for input in &mut self.inputs {
            let columns = &self.columns[input.columns.clone()];
            let extents = input.read(row, columns, &self.values)?;
            match &input.extents {
                None => input.extents = Some(extents),
                Some(first) if *first == extents => {}
                Some(first) => {
                    return Err(Refusal::bad(format!(
                        "input `{}`: record {row} has values of the shape {}, record 0 of {}",
                        input.port.name,
                        ShapeText(&extents),
                        ShapeText(first)
                    )));
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// One tensor for each input.
    pub(super) fn tensors(self) -> Result<Vec<Tensor>, Refusal> {
        let rows = self.rows;
        self.inputs.into_iter().map(|input| input.tensor(rows)).collect()
    }
}

fn unknown(row: usize, name: &str, columns: &[(&str, usize)]) -> Refusal {
    let columns: Vec<_> = columns.iter().map(|(column, _)| format!("`{column}`")).collect();
    Refusal::bad(format!("record {row} has an unknown column `{name}`; the model has {}", columns.join(", ")))
}

impl<'m> Input<'m> {
    fn new(port: &'m Port, columns: Range<usize>) -> Self {
        // FP16 and BF16 have no JSON form of their own.
        let datatype = if port.datatype.has_json() { port.datatype } else { Datatype::Fp32 };
        Self { port, columns, data: Data::with_capacity(datatype, 0), extents: None }
    }

    /// Reads the values of one record. Returns their extents: their number if they are single values or a flat list,
    /// otherwise those of the nested lists.
    fn read(
        &mut self,
        row: usize,
        columns: &[(&str, usize)],
        values: &[Option<Scanner<'_>>],
    ) -> Result<Vec<i64>, Refusal> {
        for (column, slot) in columns {
            let missing = || Refusal::bad(format!("record {row} has no column `{column}`"));
            let mut value = values[*slot].ok_or_else(missing)?;
            // The protocol's own reader reads the values, so that /predict and /infer accept the same numbers.
            let layout = elements::append(&mut value, &self.port.name, &mut self.data)
                .map_err(|error| Refusal::bad(format!("record {row}, column `{column}`: {error}")))?;
            if columns.len() == 1 {
                let extents: Vec<_> = layout.into_iter().map(signed).collect();
                return Ok(if extents.is_empty() { vec![1] } else { extents });
            }
            if !layout.is_empty() {
                let port = &self.port.name;
                return Err(Refusal::bad(format!(
                    "record {row} has a list in `{column}`, which is one value of the input `{port}`"
                )));
            }
        }
        Ok(vec![signed(columns.len())])
    }

    fn tensor(self, rows: usize) -> Result<Tensor, Refusal> {
        let Self { port, data, extents, .. } = self;
        let shape = shape_for(port, rows, &extents.unwrap_or_default());
        if count_of(&shape) != Some(data.len()) || !port.accepts(&shape) {
            return Err(Refusal::bad(format!(
                "input `{}` has the shape {}, but {rows} records with {} values in all do not fill it",
                port.name,
                port.shape_text(),
                data.len()
            )));
        }
        let data = match (data, port.datatype) {
            (Data::Fp32(data), Datatype::Fp16) => Data::Fp16(data.into_iter().map(f16::from_f32).collect()),
            (Data::Fp32(data), Datatype::Bf16) => Data::Bf16(data.into_iter().map(bf16::from_f32).collect()),
            (data, _) => data,
        };
        Ok(Tensor { shape, data })
    }
}

/// The shape of `rows` records whose values have these extents. Nested lists have a shape of their own. A flat list fills the
/// model's shape: the first variable dimension after the rows gets all values that the fixed dimensions leave, and any
/// further one is 1.
fn shape_for(port: &Port, rows: usize, extents: &[i64]) -> Vec<i64> {
    let rows = signed(rows);
    let own = || [&[rows], extents].concat();
    let [width] = extents else { return own() };
    let mut shape = port.shape.clone();
    if let Some(first) = shape.first_mut() {
        *first = rows;
    }
    // A model may have any fixed dimensions, also some whose product no number holds.
    let product =
        |shape: &[i64]| shape.iter().try_fold(1_i64, |product, extent| product.checked_mul(*extent));
    let given: Vec<i64> = shape.iter().skip(1).copied().filter(|extent| *extent > 0).collect();
    let mut rest = product(&given).map_or(0, |fixed| width / fixed);
    for dimension in shape.iter_mut().skip(1).filter(|dimension| **dimension == -1) {
        *dimension = std::mem::replace(&mut rest, 1);
    }
    let fills = product(shape.get(1..).unwrap_or_default()) == Some(*width);
    if fills { shape } else { own() }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
