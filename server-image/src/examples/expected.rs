//! Walks through an expected answer, and compares each element with the outputs of the model. It keeps nothing of the answer: a
//! tree of values would take a hundred times the memory of its text.

use super::{
    element::{self, Tolerance},
    flaw::Flaw,
};
use crate::{
    codec::scan::Scanner,
    error::Refusal,
    output::Output,
    signature::{Port, Signature},
    tensor::{ShapeText, elements as count_of},
    view::View,
};

/// What an answer is compared with.
pub(super) struct Answered<'a> {
    pub(super) signature: &'a Signature,
    /// All outputs, in the order of the signature.
    pub(super) outputs: &'a [Output],
    pub(super) tolerance: Tolerance,
}

/// A value of an output in a message.
struct Place<'p> {
    port: &'p Port,
    /// The record of a `/predict` request.
    record: Option<usize>,
    shape: &'p [i64],
}

#[expect(clippy::needless_pass_by_value, reason = "the argument of `map_err`")]
fn invalid(refusal: Refusal) -> Flaw {
    Flaw::Invalid(format!("the response: {refusal}"))
}

impl Answered<'_> {
    /// Compares a response of `/infer`: `{"outputs":[{"name":"y","shape":[1],"datatype":"FP32","data":[0.5]}]}`. It may name
    /// some of the outputs. `shape` and `datatype` may be absent.
    pub(super) fn infer(&self, response: &[u8]) -> Result<(), Flaw> {
        let mut count = 0;
        each(response, "outputs", |scanner| {
            count += 1;
            self.tensor(scanner)
        })?;
        if count == 0 { Err(Flaw::Invalid("the response has no `outputs`".to_owned())) } else { Ok(()) }
    }

    fn tensor(&self, scanner: &mut Scanner<'_>) -> Result<(), Flaw> {
        let (mut name, mut datatype, mut shape, mut data) = (None, None, None, None);
        let read = scanner.object(|scanner, key| {
            match key {
                "name" => name = Some(scanner.string()?.into_owned()),
                "datatype" => datatype = Some(scanner.string()?.into_owned()),
                "shape" => shape = Some(scanner.value()?),
                "data" => {
                    data = Some(*scanner);
                    scanner.skip()?;
                }
                _ => scanner.skip()?,
            }
            Ok(())
        });
        read.map_err(invalid)?;
        let name = name.ok_or_else(|| Flaw::Invalid("an output of the response has no `name`".to_owned()))?;
        let (port, output) = self.output(&name)?;
        let shape_of_output = output.shape();
        if let Some(datatype) = datatype.filter(|datatype| datatype != port.datatype.name()) {
            let datatype = element::short(&datatype);
            return Err(Flaw::Invalid(format!(
                "output `{name}` has the datatype {}, not {datatype}",
                port.datatype
            )));
        }
        if let Some(shape) = shape {
            let expected: Vec<i64> = serde_json::from_slice(shape)
                .map_err(|_| Flaw::Invalid(format!("output `{name}`: `shape` is not a list of integers")))?;
            if expected != shape_of_output {
                return Err(Flaw::Differs(format!(
                    "output `{name}`: expected the shape {}, got {}",
                    ShapeText(&expected),
                    ShapeText(shape_of_output)
                )));
            }
        }
        let mut data =
            data.ok_or_else(|| Flaw::Invalid(format!("output `{name}` of the response has no `data`")))?;
        let place = Place { port, record: None, shape: shape_of_output };
        self.values(&mut data, output.view(), 0..output.count(), &place)
    }

    /// Compares a response of `/predict` to this many records: `{"predictions":[{"y":0.5}]}`. A prediction may name some of the
    /// outputs.
    pub(super) fn predict(&self, response: &[u8], records: usize) -> Result<(), Flaw> {
        let mut record = 0;
        each(response, "predictions", |scanner| {
            if record == records {
                let what =
                    format!("the response has more predictions than the request has records: {records}");
                return Err(Flaw::Invalid(what));
            }
            self.prediction(scanner, record, records)?;
            record += 1;
            Ok(())
        })?;
        if record == records {
            return Ok(());
        }
        Err(Flaw::Invalid(format!(
            "the request has {records} records, but the response has {record} predictions"
        )))
    }

    fn prediction(&self, scanner: &mut Scanner<'_>, record: usize, records: usize) -> Result<(), Flaw> {
        let mut any = false;
        members(scanner, |scanner, name| {
            any = true;
            let (port, output) = self.output(name)?;
            let shape = output.shape();
            if shape.first().is_none_or(|rows| usize::try_from(*rows) != Ok(records)) {
                return Err(Flaw::Differs(format!(
                    "output `{name}` has the shape {}: it is not one value for each of the {records} records",
                    ShapeText(shape)
                )));
            }
            let width = output.count() / records;
            let range = record * width..(record + 1) * width;
            let place = Place { port, record: Some(record), shape: &[] };
            match &port.classes {
                Some(classes) if scanner.peek() == Some(b'{') => members(scanner, |scanner, class| {
                    let position =
                        classes.names.iter().position(|known| known == class).ok_or_else(|| {
                            let (class, known) = (element::short(class), classes.names.join(", "));
                            Flaw::Invalid(format!("output `{name}` has no class `{class}`; it has {known}"))
                        })?;
                    let position = range.start + position;
                    self.values(scanner, output.view(), position..position + 1, &place)
                }),
                _ => self.values(scanner, output.view(), range, &place),
            }
        })?;
        if any { Ok(()) } else { Err(Flaw::Invalid(format!("prediction {record} of the response is empty"))) }
    }

    fn output(&self, name: &str) -> Result<(&Port, &Output), Flaw> {
        let position = self.signature.output(name).ok_or_else(|| {
            let (name, known) = (element::short(name), Signature::names(&self.signature.outputs));
            Flaw::Invalid(format!("the model has no output `{name}`; it has {known}"))
        })?;
        Ok((&self.signature.outputs[position], &self.outputs[position]))
    }

    /// Compares the elements of `range` with the ones that follow, nested or flat.
    fn values(
        &self,
        scanner: &mut Scanner<'_>,
        view: View<'_>,
        range: std::ops::Range<usize>,
        place: &Place<'_>,
    ) -> Result<(), Flaw> {
        let mut next = range.start;
        let mut compare = |scanner: &mut Scanner<'_>| {
            if next == range.end {
                let what = format!("expected more than {} elements", range.len());
                return Err(place.of(Flaw::Differs(what), None));
            }
            element::compare(scanner, view, next, self.tolerance)
                .map_err(|flaw| place.of(flaw, Some(next - range.start)))?;
            next += 1;
            Ok(())
        };
        leaves(scanner, &mut compare)?;
        if next == range.end {
            return Ok(());
        }
        let what = format!("expected {} elements, got {}", next - range.start, range.len());
        Err(place.of(Flaw::Differs(what), None))
    }
}

impl Place<'_> {
    /// The flaw with where it is.
    fn of(&self, flaw: Flaw, position: Option<usize>) -> Flaw {
        let record = self.record.map(|record| format!("record {record}, ")).unwrap_or_default();
        let position = position.map(|position| format!(", element {position}{}", self.index(position)));
        let place = format!("{record}output `{}`{}", self.port.name, position.unwrap_or_default());
        match flaw {
            Flaw::Invalid(what) => Flaw::Invalid(format!("{place}: {what}")),
            Flaw::Differs(what) => Flaw::Differs(format!("{place}: {what}")),
        }
    }

    /// The position in each dimension, for tensors with more than one.
    fn index(&self, mut position: usize) -> String {
        let extents: Option<Vec<usize>> =
            self.shape.iter().map(|extent| usize::try_from(*extent).ok()).collect();
        let Some(extents) = extents.filter(|extents| extents.len() > 1 && count_of(self.shape) > Some(0))
        else {
            return String::new();
        };
        let mut index: Vec<i64> = extents
            .iter()
            .rev()
            .map(|extent| {
                let here = position % extent;
                position /= extent;
                i64::try_from(here).unwrap_or(i64::MAX)
            })
            .collect();
        index.reverse();
        format!(" at {}", ShapeText(&index))
    }
}

/// Calls `visit` for each element of the list in the object's field `name`. An absent field is an empty list.
fn each(
    object: &[u8],
    name: &str,
    mut visit: impl FnMut(&mut Scanner<'_>) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    let mut scanner = Scanner::new(object);
    members(&mut scanner, |scanner, key| {
        if key == name { list(scanner, &mut visit) } else { scanner.skip().map_err(invalid) }
    })?;
    scanner.finish().map_err(invalid)
}

/// Calls `visit` for each member of an object.
fn members(
    scanner: &mut Scanner<'_>,
    mut visit: impl FnMut(&mut Scanner<'_>, &str) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    let mut flaw = None;
    let read = scanner.object(|scanner, key| visit(scanner, key).map_err(|found| stop(&mut flaw, found)));
    flaw.map_or_else(|| read.map_err(invalid), Err)
}

/// Calls `visit` for each element of a list.
fn list(
    scanner: &mut Scanner<'_>,
    mut visit: impl FnMut(&mut Scanner<'_>) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    let mut flaw = None;
    let read = scanner.array(|scanner| visit(scanner).map_err(|found| stop(&mut flaw, found)));
    flaw.map_or_else(|| read.map_err(invalid), Err)
}

/// Keeps a flaw, and ends the reading.
fn stop(kept: &mut Option<Flaw>, flaw: Flaw) -> Refusal {
    *kept = Some(flaw);
    Refusal::bad("the reading ends here")
}

/// Calls `visit` for each value that is not a list. The depth is bounded: the line was read before.
fn leaves(
    scanner: &mut Scanner<'_>,
    visit: &mut dyn FnMut(&mut Scanner<'_>) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    if scanner.peek() == Some(b'[') {
        list(scanner, |scanner| leaves(scanner, visit))
    } else {
        visit(scanner)
    }
}
