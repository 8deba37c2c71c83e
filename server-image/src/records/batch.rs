//! Rows in memory, column by column, before they are written to a file.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayBuilder, ArrayRef, BooleanBuilder, Float32Builder, Float64Builder, Int8Builder, Int16Builder,
        Int32Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
        UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
    },
    error::ArrowError,
};

use super::{
    fields::{ColumnType, Fields, element},
    file_name::micros,
    row::{Cell, Row},
};
use crate::tensor::{Data, Datatype, Tensor};

/// The builder of one column. It matches the [`ColumnType`] of the field.
enum Builder {
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
    Integer32(Int32Builder),
    Integer64(Int64Builder),
    Bool(ListBuilder<BooleanBuilder>),
    Uint8(ListBuilder<UInt8Builder>),
    Uint16(ListBuilder<UInt16Builder>),
    Uint32(ListBuilder<UInt32Builder>),
    Uint64(ListBuilder<UInt64Builder>),
    Int8(ListBuilder<Int8Builder>),
    Int16(ListBuilder<Int16Builder>),
    Int32(ListBuilder<Int32Builder>),
    Int64(ListBuilder<Int64Builder>),
    Fp32(ListBuilder<Float32Builder>),
    Fp64(ListBuilder<Float64Builder>),
    Bytes(ListBuilder<StringBuilder>),
}

/// Runs `$body` with `$builder` bound to the builder in `$column`.
macro_rules! each_builder {
    ($column:expr, $builder:ident => $body:expr) => {
        match $column {
            Builder::Text($builder) => $body,
            Builder::Time($builder) => $body,
            Builder::Integer32($builder) => $body,
            Builder::Integer64($builder) => $body,
            Builder::Bool($builder) => $body,
            Builder::Uint8($builder) => $body,
            Builder::Uint16($builder) => $body,
            Builder::Uint32($builder) => $body,
            Builder::Uint64($builder) => $body,
            Builder::Int8($builder) => $body,
            Builder::Int16($builder) => $body,
            Builder::Int32($builder) => $body,
            Builder::Int64($builder) => $body,
            Builder::Fp32($builder) => $body,
            Builder::Fp64($builder) => $body,
            Builder::Bytes($builder) => $body,
        }
    };
}

impl Builder {
    fn of(column_type: ColumnType) -> Self {
        macro_rules! list {
            ($variant:ident, $values:ty, $datatype:expr) => {
                Self::$variant(ListBuilder::new(<$values>::new()).with_field(element($datatype)))
            };
        }
        match column_type {
            ColumnType::Text => Self::Text(StringBuilder::new()),
            ColumnType::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            ColumnType::Int32 => Self::Integer32(Int32Builder::new()),
            ColumnType::Int64 => Self::Integer64(Int64Builder::new()),
            ColumnType::List(datatype) => match datatype {
                Datatype::Bool => list!(Bool, BooleanBuilder, datatype),
                Datatype::Uint8 => list!(Uint8, UInt8Builder, datatype),
                Datatype::Uint16 => list!(Uint16, UInt16Builder, datatype),
                Datatype::Uint32 => list!(Uint32, UInt32Builder, datatype),
                Datatype::Uint64 => list!(Uint64, UInt64Builder, datatype),
                Datatype::Int8 => list!(Int8, Int8Builder, datatype),
                Datatype::Int16 => list!(Int16, Int16Builder, datatype),
                Datatype::Int32 => list!(Int32, Int32Builder, datatype),
                Datatype::Int64 => list!(Int64, Int64Builder, datatype),
                Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 => list!(Fp32, Float32Builder, datatype),
                Datatype::Fp64 => list!(Fp64, Float64Builder, datatype),
                Datatype::Bytes => list!(Bytes, StringBuilder, datatype),
            },
        }
    }

    /// Appends a value, and returns its approximate size in bytes.
    #[inline]
    fn append(&mut self, cell: &Cell<'_>) -> usize {
        match (self, cell) {
            (Self::Text(builder), Cell::Text(text)) => {
                builder.append_value(text);
                text.len()
            }
            (Self::Time(builder), Cell::Time(at)) => {
                builder.append_value(micros(*at));
                8
            }
            (Self::Integer32(builder), Cell::Integer(integer)) => {
                builder.append_value(i32::try_from(*integer).expect("a status is small"));
                4
            }
            (Self::Integer64(builder), Cell::Integer(integer)) => {
                builder.append_value(*integer);
                8
            }
            (Self::Int64(builder), Cell::Shape(shape)) => {
                builder.values().append_slice(shape);
                builder.append(true);
                8 * shape.len()
            }
            (builder, Cell::Values(tensor, column)) => builder.append_values(tensor, column),
            (builder, Cell::Null) => {
                builder.append_null();
                1
            }
            (_, cell) => unreachable!("a field of this type never has the value {cell:?}"),
        }
    }

    #[inline]
    fn append_values(&mut self, tensor: &Tensor, column: &crate::columns::Column) -> usize {
        macro_rules! copied {
            ($builder:expr, $elements:expr) => {{
                let values = $builder.values();
                let before = values.len();
                if column.feature.is_none() {
                    values.append_slice($elements);
                } else {
                    column.values(tensor, $elements).for_each(|value| values.append_value(*value));
                }
                let bytes = (values.len() - before) * size_of_val(&$elements[..1.min($elements.len())]);
                $builder.append(true);
                bytes
            }};
        }
        macro_rules! halves {
            ($builder:expr, $elements:expr) => {{
                let values = $builder.values();
                let before = values.len();
                column.values(tensor, $elements).for_each(|value| values.append_value(value.to_f32()));
                let bytes = (values.len() - before) * size_of::<f32>();
                $builder.append(true);
                bytes
            }};
        }
        match (self, &tensor.data) {
            (Self::Bool(builder), Data::Bool(elements)) => copied!(builder, elements),
            (Self::Uint8(builder), Data::Uint8(elements)) => copied!(builder, elements),
            (Self::Uint16(builder), Data::Uint16(elements)) => copied!(builder, elements),
            (Self::Uint32(builder), Data::Uint32(elements)) => copied!(builder, elements),
            (Self::Uint64(builder), Data::Uint64(elements)) => copied!(builder, elements),
            (Self::Int8(builder), Data::Int8(elements)) => copied!(builder, elements),
            (Self::Int16(builder), Data::Int16(elements)) => copied!(builder, elements),
            (Self::Int32(builder), Data::Int32(elements)) => copied!(builder, elements),
            (Self::Int64(builder), Data::Int64(elements)) => copied!(builder, elements),
            (Self::Fp32(builder), Data::Fp32(elements)) => copied!(builder, elements),
            (Self::Fp64(builder), Data::Fp64(elements)) => copied!(builder, elements),
            (Self::Fp32(builder), Data::Fp16(elements)) => halves!(builder, elements),
            (Self::Fp32(builder), Data::Bf16(elements)) => halves!(builder, elements),
            (Self::Bytes(builder), Data::Bytes(elements)) => {
                let mut bytes = 0;
                for text in column.values(tensor, elements) {
                    builder.values().append_value(text);
                    bytes += 4 + text.len();
                }
                builder.append(true);
                bytes
            }
            (_, data) => unreachable!("the row fits the signature, but has {}", data.datatype()),
        }
    }

    fn append_null(&mut self) {
        each_builder!(self, builder => builder.append_null());
    }

    fn finish(&mut self) -> ArrayRef {
        each_builder!(self, builder => Arc::new(builder.finish()))
    }
}

/// Some rows, and their approximate size.
pub(super) struct Batch {
    fields: Arc<Fields>,
    builders: Vec<Builder>,
    rows: u64,
    bytes: usize,
}

impl Batch {
    pub(super) fn new(fields: Arc<Fields>) -> Self {
        let builders = fields.list.iter().map(|field| Builder::of(field.column_type)).collect();
        Self { fields, builders, rows: 0, bytes: 0 }
    }

    pub(super) fn push(&mut self, row: &Row<'_>) {
        for (builder, field) in self.builders.iter_mut().zip(&self.fields.list) {
            self.bytes += builder.append(&row.cell(field));
        }
        self.rows += 1;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The approximate size of the rows in bytes, before they are encoded.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the rows, and empties the batch.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        (self.rows, self.bytes) = (0, 0);
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.fields.schema), arrays)
    }
}
