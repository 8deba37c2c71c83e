//! Writes a row as a line of JSON.

use super::{
    fields::Fields,
    file_name::timestamp,
    row::{Cell, Row},
};
use crate::{
    codec::write::{Json, list},
    tensor::each_datatype,
};

/// Appends the row as a JSON object with one member for each column, and a newline.
pub(super) fn write(out: &mut Vec<u8>, row: &Row<'_>, fields: &Fields) {
    for (position, field) in fields.list.iter().enumerate() {
        out.push(if position == 0 { b'{' } else { b',' });
        field.name.write(out);
        out.push(b':');
        match row.cell(field) {
            Cell::Null => out.extend_from_slice(b"null"),
            Cell::Text(text) => text.write(out),
            Cell::Integer(integer) => integer.write(out),
            Cell::Time(at) => format!("{:.6}", timestamp(at)).as_str().write(out),
            Cell::Shape(shape) => {
                out.push(b'[');
                list(out, shape);
                out.push(b']');
            }
            Cell::Values(tensor, column) => {
                out.push(b'[');
                each_datatype!(&tensor.data, elements => list(out, column.values(tensor, elements)));
                out.push(b']');
            }
        }
    }
    out.extend_from_slice(b"}\n");
}
