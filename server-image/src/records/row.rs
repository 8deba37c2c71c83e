//! One call as a row: the value of each column. Parquet files and JSON lines use the same values.

use std::time::SystemTime;

use super::{
    fields::{Field, Fixed, TensorGroup, ValueSource},
    large::LargeTensors,
};
use crate::{
    call::{Answered, Call, Identity, Shadow},
    columns::Column,
    signature::{Port, Signature},
    tensor::Tensor,
};

/// The value of one column.
#[derive(Debug)]
pub(super) enum Cell<'r> {
    Null,
    Text(&'r str),
    Integer(i64),
    Time(SystemTime),
    /// The values of a column, and the tensor that holds them.
    Values(&'r Tensor, &'r Column),
    Shape(&'r [i64]),
}

/// A call that fits the signature of the model.
pub(super) struct Row<'r> {
    call: &'r Call,
    large: &'r LargeTensors,
    main: &'r Identity,
    deployment: &'r str,
    challenger: Option<(&'r Identity, &'r Answered)>,
    /// Why the outputs of the challenger are not recorded, although it answered.
    mismatch: Option<String>,
}

impl<'r> Row<'r> {
    /// The row of a call. The error says which part of main's inputs or outputs does not fit the signature.
    ///
    /// Outputs of the challenger that do not fit are not an error: the row has a message in place of them.
    pub(super) fn of(
        call: &'r Call,
        large: &'r LargeTensors,
        main: &'r Identity,
        deployment: &'r str,
        signature: &Signature,
    ) -> Result<Self, String> {
        fits("input", &call.inputs, &signature.inputs)?;
        fits("output", &call.main.outputs, &signature.outputs)?;
        let challenger = match &call.challenger {
            Shadow::Answered { by, answered } => Some((&**by, answered)),
            Shadow::None | Shadow::Dropped(_) => None,
        };
        let mismatch = challenger
            .and_then(|(_, answered)| fits("output", &answered.outputs, &signature.outputs).err())
            .map(|reason| format!("not recorded, since the outputs differ from main's: {reason}"));
        Ok(Self { call, large, main, deployment, challenger, mismatch })
    }

    /// The value of a column.
    #[inline]
    pub(super) fn cell(&self, field: &'r Field) -> Cell<'_> {
        match &field.source {
            ValueSource::Fixed(fixed) => self.fixed(*fixed),
            ValueSource::Values(group, column) => match self.tensors(*group).get(column.tensor) {
                Some(tensor) if column.is_in(tensor) && !self.large.contains(*group, column.tensor) => {
                    Cell::Values(tensor, column)
                }
                _ => Cell::Null,
            },
            ValueSource::Shape(group, tensor) => match self.tensors(*group).get(*tensor) {
                Some(tensor) => Cell::Shape(&tensor.shape),
                None => Cell::Null,
            },
            ValueSource::Sha256(group, tensor) => match self.tensors(*group).get(*tensor) {
                Some(_) => text(self.large.sha256(*group, *tensor)),
                None => Cell::Null,
            },
        }
    }

    fn fixed(&self, fixed: Fixed) -> Cell<'_> {
        let Self { call, main, challenger, .. } = self;
        let latency = |answered: &Answered| {
            answered.latency.map(|latency| i64::try_from(latency.as_micros()).unwrap_or(i64::MAX))
        };
        match fixed {
            Fixed::Id => Cell::Text(&call.id),
            Fixed::Time => Cell::Time(call.at),
            Fixed::Traceparent => text(call.traceparent.as_deref()),
            Fixed::Deployment => Cell::Text(self.deployment),
            Fixed::MainVersion => Cell::Text(&main.version),
            Fixed::MainDigest => Cell::Text(&main.digest),
            Fixed::Rows => Cell::Integer(i64::try_from(call.rows).unwrap_or(i64::MAX)),
            Fixed::MainStatus => Cell::Integer(call.main.status.into()),
            Fixed::MainError => text(call.main.error.as_deref()),
            Fixed::MainLatency => integer(latency(&call.main)),
            Fixed::ChallengerVersion => text(challenger.map(|(by, _)| by.version.as_str())),
            Fixed::ChallengerDigest => text(challenger.map(|(by, _)| by.digest.as_str())),
            Fixed::ChallengerStatus => integer(challenger.map(|(_, answered)| answered.status.into())),
            Fixed::ChallengerError => {
                let own = challenger.and_then(|(_, answered)| answered.error.as_deref());
                text(own.or(self.mismatch.as_deref()))
            }
            Fixed::ChallengerLatency => integer(challenger.and_then(|(_, answered)| latency(answered))),
            Fixed::ChallengerDropped => match call.challenger {
                Shadow::Dropped(dropped) => Cell::Text(dropped.as_str()),
                Shadow::None | Shadow::Answered { .. } => Cell::Null,
            },
        }
    }

    fn tensors(&self, group: TensorGroup) -> &[Tensor] {
        match (group, self.challenger) {
            (TensorGroup::Input, _) => &self.call.inputs,
            (TensorGroup::Main, _) => &self.call.main.outputs,
            (TensorGroup::Challenger, Some((_, answered))) if self.mismatch.is_none() => &answered.outputs,
            (TensorGroup::Challenger, _) => &[],
        }
    }
}

fn text(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Null, Cell::Text)
}

fn integer(integer: Option<i64>) -> Cell<'static> {
    integer.map_or(Cell::Null, Cell::Integer)
}

/// Checks that `tensors` are empty, or that each port has one tensor of its datatype. `direction` is `input` or
/// `output`.
fn fits(direction: &str, tensors: &[Tensor], ports: &[Port]) -> Result<(), String> {
    if tensors.is_empty() {
        return Ok(());
    }
    if tensors.len() != ports.len() {
        return Err(format!("{} {direction}s, the model has {}", tensors.len(), ports.len()));
    }
    for (tensor, port) in tensors.iter().zip(ports) {
        let found = tensor.data.datatype();
        if found != port.datatype {
            return Err(format!("{direction} `{}` is {found}, the model has {}", port.name, port.datatype));
        }
    }
    Ok(())
}
