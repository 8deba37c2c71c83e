//! The form page: one field for each column, and the prediction below. The page is one file and loads nothing else.

use std::fmt::Write;

use super::predict_columns::{PredictColumn, columns, json_type};
use crate::{model::Model, tensor::Datatype};

/// The page with placeholders for the model.
const PAGE: &str = include_str!("form.html");

/// The form page of this model, as HTML.
#[must_use]
pub fn form(model: &Model) -> String {
    let title = escaped(&format!("{} {}", model.deployment, model.identity.version));
    let opset = model.opset.map(|opset| format!(" · ONNX opset {opset}")).unwrap_or_default();
    let about = format!("{}{opset}", model.identity.digest);
    let mut fields = String::new();
    for (position, column) in columns(model).iter().enumerate() {
        field(&mut fields, position, column).expect("writing to a string does not fail");
    }
    // The fields come last, since a name in them could look like a placeholder.
    PAGE.replace("{title}", &title)
        .replace("{heading}", &title)
        .replace("{about}", &about)
        .replace("{fields}", &fields)
}

fn field(out: &mut String, position: usize, column: &PredictColumn<'_>) -> std::fmt::Result {
    let name = escaped(column.name);
    let (kind, list) = (json_type(column.datatype), if column.list { " data-list" } else { "" });
    let common = format!("id=\"column-{position}\" name=\"{name}\" data-kind=\"{kind}\"{list}");
    let type_of =
        if column.list { format!("list of {}", column.datatype) } else { column.datatype.to_string() };
    write!(out, "<label for=\"column-{position}\">{name}<span class=\"type\">{type_of}</span>")?;
    let control = match column.datatype {
        _ if column.list => format!("<input {common} required placeholder=\"1, 2, 3\">"),
        Datatype::Bool => format!("<select {common}><option>true</option><option>false</option></select>"),
        Datatype::Bytes => format!("<input {common}>"),
        datatype => {
            let step = if json_type(datatype) == "integer" { "1" } else { "any" };
            format!("<input {common} type=\"number\" step=\"{step}\" required>")
        }
    };
    writeln!(out, "{control}</label>")
}

/// Escapes a text for HTML, also for attributes. Names come from the model, which is untrusted.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_a_model_is_not_markup() {
        let mut html = String::new();
        let column = PredictColumn { name: r#""><script>"#, datatype: Datatype::Fp32, list: false };
        field(&mut html, 0, &column).unwrap();
        assert!(!html.contains("<script>") && html.contains("&quot;&gt;&lt;script&gt;"), "{html}");
    }
}
