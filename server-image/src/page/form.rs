//! The form page: one field for each column, filled with a start value, and the prediction next to it.

use std::fmt::Write;

use serde_json::{Map, Value};
use understudy_stats::Baseline;

use super::{
    html::escaped,
    predict_columns::{PredictColumn, columns, json_type},
    start_values::StartValues,
};
use crate::{model::Model, tensor::Datatype};

/// The page with placeholders for the model.
const PAGE: &str = include_str!("form.html");
/// Most columns with a field each. Nobody fills in more: a model with more gets one field for the whole record.
const MOST_FIELDS: usize = 200;

/// The form page of this model, as HTML.
#[must_use]
pub fn form(model: &Model, baseline: Option<&Baseline>) -> String {
    let title = escaped(&format!("{} {}", model.deployment, model.identity.version));
    let opset = model.opset.map(|opset| format!(" · ONNX opset {opset}")).unwrap_or_default();
    let about = format!("{}{opset}", model.identity.digest);
    let start = StartValues::new(&model.examples, baseline);
    // The fields come last, since a name in them could look like a placeholder.
    PAGE.replace("{title}", &title)
        .replace("{about}", &about)
        .replace("{origin}", start.origin())
        .replace("{fields}", &fields(&columns(model), &start))
}

/// The fields as HTML: one for each column, or one for the record if there are too many.
fn fields(columns: &[PredictColumn<'_>], start: &StartValues<'_>) -> String {
    if columns.len() > MOST_FIELDS {
        return record_field(columns, start);
    }
    let mut out = String::from("<div class=\"fields\">\n");
    for (position, column) in columns.iter().enumerate() {
        field(&mut out, position, column, &start.of(column)).expect("writing to a string does not fail");
    }
    out + "</div>"
}

/// One field for a whole record, as JSON.
fn record_field(columns: &[PredictColumn<'_>], start: &StartValues<'_>) -> String {
    let count = columns.len();
    let record: Map<_, _> = columns.iter().map(|column| (column.name.to_owned(), start.of(column))).collect();
    let record = escaped(&format!("{:#}", Value::Object(record)));
    format!(
        "<div class=\"field\"><label for=\"column-0\">Record <span class=\"type\">JSON with {count} columns</span></label>\n\
         <textarea id=\"column-0\" data-kind=\"record\" rows=\"20\" spellcheck=\"false\" aria-describedby=\"column-0-error\">\n{record}</textarea>\n\
         <p class=\"error\" id=\"column-0-error\"></p></div>"
    )
}

fn field(out: &mut String, position: usize, column: &PredictColumn<'_>, start: &Value) -> std::fmt::Result {
    let id = format!("column-{position}");
    let name = escaped(column.name);
    let kind = json_type(column.datatype);
    let start = escaped(&text(start));
    let common = format!("id=\"{id}\" name=\"{name}\" data-kind=\"{kind}\"");
    let described = format!("aria-describedby=\"{id}-error\"");
    write!(
        out,
        "<div class=\"field{}\"><label for=\"{id}\">{name} ",
        if column.list { " wide" } else { "" }
    )?;
    writeln!(out, "<span class=\"type\">{}</span></label>", type_of(column))?;
    match column.datatype {
        // A browser removes the first line break of a text area, so that of the start value is the second.
        _ if column.list => {
            let shape = column.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            writeln!(
                out,
                "<textarea {common} data-shape=\"{shape}\" rows=\"2\" spellcheck=\"false\" \
                 aria-describedby=\"{id}-hint {id}-error\">\n{start}</textarea>\n\
                 <p class=\"hint\" id=\"{id}-hint\">{}</p>",
                list_hint(column)
            )?;
        }
        Datatype::Bool => {
            let option = |value: &str| {
                format!("<option{}>{value}</option>", if start == value { " selected" } else { "" })
            };
            writeln!(out, "<select {common} {described}>{}{}</select>", option("true"), option("false"))?;
        }
        datatype => {
            let keyboard = match json_type(datatype) {
                "string" => "text",
                // The numeric keyboard of some phones has no minus.
                _ => "decimal",
            };
            writeln!(
                out,
                "<input {common} {described} value=\"{start}\" inputmode=\"{keyboard}\" spellcheck=\"false\">"
            )?;
        }
    }
    writeln!(out, "<p class=\"error\" id=\"{id}-error\"></p></div>")
}

/// The text of a value in its field.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| if item.is_array() { text(item) } else { item.to_string() })
                .collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

fn type_of(column: &PredictColumn<'_>) -> String {
    let datatype = column.datatype.name();
    if column.list { format!("list of {datatype}") } else { datatype.to_owned() }
}

fn list_hint(column: &PredictColumn<'_>) -> String {
    if column.shape.is_empty() {
        return "A value, or a list as JSON.".to_owned();
    }
    let shape = column.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
    format!("A list of {shape} values as JSON. A single value fills the whole list.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::examples::Examples;

    fn column(name: &str, datatype: Datatype) -> PredictColumn<'_> {
        PredictColumn {
            name,
            datatype,
            list: false,
            shape: Vec::new(),
            features: None,
            synthetic: None,
            position: 0,
        }
    }

    fn html(column: &PredictColumn<'_>, start: &Value) -> String {
        let mut html = String::new();
        field(&mut html, 0, column, start).unwrap();
        html
    }

    #[test]
    fn names_and_values_of_others_are_not_markup() {
        let markup = r#""><script>"#;
        let list = PredictColumn { list: true, shape: vec![2], ..column(markup, Datatype::Bytes) };
        let found = [
            html(&column(markup, Datatype::Bytes), &json!("</textarea>\"'>")),
            html(&list, &json!(["</textarea>", "<script>"])),
            record_field(&[column(markup, Datatype::Fp32)], &StartValues::new(&Examples::default(), None)),
        ]
        .concat();
        assert!(!found.contains("<script>") && found.contains("&quot;&gt;&lt;script&gt;"), "{found}");
        assert_eq!(found.matches("</textarea>").count(), 2, "{found}");
    }

    #[test]
    fn a_model_with_thousands_of_features_has_one_field() {
        let names: Vec<_> = (0..2048).map(|number| format!("f{number}")).collect();
        let columns: Vec<_> = names.iter().map(|name| column(name, Datatype::Fp32)).collect();
        let html = fields(&columns, &StartValues::new(&Examples::default(), None));
        assert_eq!(html.matches("data-kind").count(), 1);
        assert!(html.contains("&quot;f2047&quot;: 0"), "{html}");
        assert_eq!(
            fields(&columns[..MOST_FIELDS], &StartValues::new(&Examples::default(), None))
                .matches("data-kind")
                .count(),
            MOST_FIELDS
        );
    }

    #[test]
    fn a_start_value_is_the_text_that_a_person_would_type() {
        assert!(html(&column("x", Datatype::Bool), &json!(false)).contains("<option selected>false"));
        assert!(html(&column("x", Datatype::Bytes), &json!("NL")).contains("value=\"NL\""));
        assert_eq!(text(&json!([[1, 2.5], ["a", true]])), r#"[[1, 2.5], ["a", true]]"#);
    }
}
