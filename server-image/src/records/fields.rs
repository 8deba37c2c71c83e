//! The columns of the records: their names, their types, and which of them are redacted.

use std::{collections::HashSet, sync::Arc};

use arrow::datatypes::{DataType, Field as ArrowField, FieldRef, Schema, SchemaRef, TimeUnit};

use crate::{
    columns::{Column, Columns},
    named_enum::named_enum,
    signature::{Port, Signature},
    tensor::{Datatype, elements},
};

named_enum! {
    /// The columns of a record that every model has. Their names do not depend on the model.
    pub(super) enum Fixed {
        Id = "id",
        Time = "time",
        Deployment = "deployment",
        MainVersion = "main_version",
        MainDigest = "main_digest",
        Rows = "rows",
        Traceparent = "traceparent",
        MainStatus = "main_status",
        MainError = "main_error",
        MainLatency = "main_latency_us",
        ChallengerVersion = "challenger_version",
        ChallengerDigest = "challenger_digest",
        ChallengerStatus = "challenger_status",
        ChallengerError = "challenger_error",
        ChallengerLatency = "challenger_latency_us",
        ChallengerDropped = "challenger_dropped",
    }
}

impl Fixed {
    fn column_type(self) -> ColumnType {
        match self {
            Self::Time => ColumnType::Time,
            Self::MainStatus | Self::ChallengerStatus => ColumnType::Int32,
            Self::Rows | Self::MainLatency | Self::ChallengerLatency => ColumnType::Int64,
            _ => ColumnType::Text,
        }
    }

    /// Whether every record has a value in this column.
    fn is_required(self) -> bool {
        use Fixed::{Deployment, Id, MainDigest, MainStatus, MainVersion, Rows, Time};
        matches!(self, Id | Time | Deployment | MainVersion | MainDigest | Rows | MainStatus)
    }
}

/// Which tensors of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorGroup {
    Input,
    Main,
    Challenger,
}

impl TensorGroup {
    fn prefix(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Main => "main",
            Self::Challenger => "challenger",
        }
    }
}

/// Where the values of a field come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ValueSource {
    Fixed(Fixed),
    /// The values of a column of the model.
    Values(TensorGroup, Column),
    /// The shape of the tensor at this position.
    Shape(TensorGroup, usize),
    /// The SHA-256 of the tensor at this position, if it is too large for a row.
    Sha256(TensorGroup, usize),
}

/// The type of a column in Parquet and JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Text,
    Time,
    Int32,
    Int64,
    List(Datatype),
}

/// One column of the records.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) column_type: ColumnType,
    pub(super) source: ValueSource,
}

/// The columns of the records, in order.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) list: Vec<Field>,
    pub(super) schema: SchemaRef,
    /// Most elements of a column in one row.
    pub(super) max_elements: usize,
    /// Names in `redact` that match no column.
    pub(super) unknown: Vec<String>,
}

impl Fields {
    /// The columns of a model's records, without those that `redact` names. A column has at most `max_elements` in a
    /// row.
    ///
    /// A name matches every column that it could mean: an input or output, a feature, all features of an input, or a
    /// column by its name in the records. A redacted output is missing for main and for the challenger. A fixed column
    /// matches only if no column of the model does. `time` is never redacted. The SHA-256 of a tensor is redacted with any
    /// part of the tensor: whoever knows the other parts could guess the redacted one.
    pub(super) fn of(
        signature: &Signature,
        columns: &Columns,
        redact: &[String],
        max_elements: usize,
    ) -> Arc<Self> {
        let mut all: Vec<_> = Fixed::ALL
            .into_iter()
            .map(|fixed| Named::new(fixed.as_str(), fixed.column_type(), ValueSource::Fixed(fixed)))
            .collect();
        let outputs = [TensorGroup::Main, TensorGroup::Challenger];
        let inputs =
            of_tensors(&[TensorGroup::Input], &columns.inputs, &signature.inputs, max_elements, &all);
        all.extend(inputs);
        all.extend(of_tensors(&outputs, &columns.outputs, &signature.outputs, max_elements, &all));
        // The columns of main's outputs come before those of the challenger.
        all.sort_by_key(|named| {
            use ValueSource::{Sha256, Shape, Values};
            match named.field.source {
                Values(group, _) | Shape(group, _) | Sha256(group, _) => group == TensorGroup::Challenger,
                ValueSource::Fixed(_) => false,
            }
        });

        let (mut redacted, mut unknown) = (HashSet::new(), Vec::new());
        for name in redact {
            let matches = matching(name, &all);
            if matches.is_empty() {
                unknown.push(name.clone());
            }
            redacted.extend(matches);
        }
        let kept = all.into_iter().enumerate().filter(|(position, _)| !redacted.contains(position));
        let list: Vec<_> = kept.map(|(_, named)| named.field).collect();
        let schema = Arc::new(Schema::new(list.iter().map(Field::arrow).collect::<Vec<_>>()));
        Arc::new(Self { list, schema, max_elements, unknown })
    }

    /// Whether the records have the SHA-256 of this tensor.
    pub(super) fn has_sha256(&self, group: TensorGroup, tensor: usize) -> bool {
        self.list.iter().any(|field| field.source == ValueSource::Sha256(group, tensor))
    }
}

/// A field, and its other names.
struct Named {
    field: Field,
    aliases: Vec<String>,
}

impl Named {
    fn new(name: impl Into<String>, column_type: ColumnType, source: ValueSource) -> Self {
        Self { field: Field { name: name.into(), column_type, source }, aliases: Vec::new() }
    }

    fn matches(&self, name: &str) -> bool {
        self.field.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    fn is_of_the_model(&self) -> bool {
        !matches!(self.field.source, ValueSource::Fixed(_))
    }
}

/// The positions of the fields that `name` matches.
fn matching(name: &str, all: &[Named]) -> Vec<usize> {
    let matches = |of_the_model: bool| {
        let fields = all.iter().enumerate().filter(move |(_, named)| named.is_of_the_model() == of_the_model);
        let matches = fields.filter(|(_, named)| named.matches(name));
        matches.map(|(position, _)| position).collect::<Vec<_>>()
    };
    let mut found = matches(true);
    if found.is_empty() {
        found = matches(false);
        found.retain(|position| all[*position].field.source != ValueSource::Fixed(Fixed::Time));
    }
    found
}

/// The fields of one list of columns for each of `groups`: the values, and the shape and the SHA-256 of each tensor that
/// can have more than `max_elements`.
fn of_tensors(
    groups: &[TensorGroup],
    columns: &[Column],
    ports: &[Port],
    max_elements: usize,
    before: &[Named],
) -> Vec<Named> {
    let mut taken: HashSet<String> = before.iter().map(|named| named.field.name.to_lowercase()).collect();
    let mut fields = Vec::new();
    let mut add = |name: &str,
                   aliases: &[String],
                   column_type: ColumnType,
                   source: &dyn Fn(TensorGroup) -> ValueSource| {
        let number = free(groups, name, &taken);
        let called = groups.iter().map(|group| numbered(*group, name, number)).collect::<Vec<_>>();
        taken.extend(called.iter().map(|name| name.to_lowercase()));
        for (group, own) in groups.iter().zip(&called) {
            let mut named = Named::new(own, column_type, source(*group));
            named.aliases = [aliases, &called].concat();
            fields.push(named);
        }
        called
    };
    // For each tensor: the names of all its columns.
    let mut names_of: Vec<_> = ports.iter().map(|port| vec![port.name.clone()]).collect();
    for column in columns {
        let aliases = [&column.name, &column.given, &ports[column.tensor].name].map(Clone::clone);
        let called = add(&column.name, &aliases, ColumnType::List(column.datatype), &|group| {
            ValueSource::Values(group, column.clone())
        });
        names_of[column.tensor].extend(aliases.into_iter().chain(called));
    }
    for (tensor, port) in ports.iter().enumerate() {
        // With a variable dimension a tensor can have any number of elements.
        if port.any_shape || elements(&port.shape).is_none_or(|elements| elements > max_elements) {
            let name = format!("{}_shape", port.name);
            let shape = |group| ValueSource::Shape(group, tensor);
            add(&name, std::slice::from_ref(&port.name), ColumnType::List(Datatype::Int64), &shape);
            let sha256 = |group| ValueSource::Sha256(group, tensor);
            add(&format!("{}_sha256", port.name), &names_of[tensor], ColumnType::Text, &sha256);
        }
    }
    fields
}

/// The first number that makes `name` unique in all groups, so that an output has the same name for main and
/// challenger. Ignores case, as SQL does.
fn free(groups: &[TensorGroup], name: &str, taken: &HashSet<String>) -> usize {
    let is_free = |number: &usize| {
        groups.iter().all(|group| !taken.contains(&numbered(*group, name, *number).to_lowercase()))
    };
    (1..=taken.len() + 1).find(is_free).expect("there are more numbers than columns")
}

fn numbered(group: TensorGroup, name: &str, number: usize) -> String {
    match number {
        1 => format!("{}_{name}", group.prefix()),
        number => format!("{}_{name}_{number}", group.prefix()),
    }
}

/// The element of a list. The name `element` is that of the Parquet format; Spark reads other names as other columns.
pub(super) fn element(datatype: Datatype) -> FieldRef {
    let arrow = match datatype {
        Datatype::Bool => DataType::Boolean,
        Datatype::Uint8 => DataType::UInt8,
        Datatype::Uint16 => DataType::UInt16,
        Datatype::Uint32 => DataType::UInt32,
        Datatype::Uint64 => DataType::UInt64,
        Datatype::Int8 => DataType::Int8,
        Datatype::Int16 => DataType::Int16,
        Datatype::Int32 => DataType::Int32,
        Datatype::Int64 => DataType::Int64,
        // A 32-bit float holds every 16-bit float exactly, and all readers support it.
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 => DataType::Float32,
        Datatype::Fp64 => DataType::Float64,
        Datatype::Bytes => DataType::Utf8,
    };
    Arc::new(ArrowField::new("element", arrow, false))
}

impl ColumnType {
    fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::List(datatype) => DataType::List(element(datatype)),
        }
    }
}

impl Field {
    fn arrow(&self) -> ArrowField {
        let required = matches!(self.source, ValueSource::Fixed(fixed) if fixed.is_required());
        ArrowField::new(&self.name, self.column_type.arrow(), !required)
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
