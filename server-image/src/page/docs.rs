//! The API documentation: the OpenAPI description as a page that people read.
//!
//! The server writes it once, as HTML without a script. The viewers that exist (Swagger UI, Redoc, Scalar) bring one to three
//! megabytes of script, need `style-src 'unsafe-inline'`, and would have to be updated with every advisory. One model has a
//! dozen paths.

use std::fmt::{Result, Write};

use serde_json::{Map, Value};

use super::{html::escaped, notation::notation};
use crate::{model::Model, signature::Port};

/// The page with placeholders for the model.
const PAGE: &str = include_str!("docs.html");
/// Longest schema or example that is shown, in bytes. A model may have thousands of features.
const MOST_SHOWN: usize = 64 << 10;

/// The documentation of this model with this OpenAPI description, as HTML.
#[must_use]
pub fn docs(model: &Model, openapi: &Value) -> String {
    let title = escaped(&format!("{} {}", model.deployment, model.identity.version));
    let mut content = String::new();
    write_content(&mut content, model, openapi).expect("writing to a string does not fail");
    // The content comes last, since a name in it could look like a placeholder.
    PAGE.replace("{title}", &title).replace("{content}", &content)
}

fn write_content(out: &mut String, model: &Model, openapi: &Value) -> Result {
    writeln!(out, "<p>{}</p>", escaped_text(&openapi["info"]["description"]))?;
    writeln!(out, "<h2>Inputs and outputs</h2>")?;
    ports(out, "Inputs", &model.signature.inputs)?;
    ports(out, "Outputs", &model.signature.outputs)?;
    let operations = operations(openapi);
    writeln!(out, "<h2>Paths</h2>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Method")?;
    writeln!(out, "<th scope=\"col\">Path<th scope=\"col\">What it does</thead><tbody>")?;
    for operation in &operations {
        let (path, method) = (escaped(operation.path), &operation.method);
        let path = match operation.body() {
            Some(_) => format!("<a href=\"#{}\"><code>{path}</code></a>", operation.anchor()),
            None => format!("<a href=\"{}\"><code>{path}</code></a>", path.trim_start_matches('/')),
        };
        writeln!(out, "<tr><td>{method}<td>{path}<td>{}", escaped_text(&operation.content["summary"]))?;
    }
    writeln!(out, "</tbody></table></div>")?;
    for operation in operations.iter().filter(|operation| operation.body().is_some()) {
        operation.write(out)?;
    }
    writeln!(out, "<h2>Schemas</h2>")?;
    for (name, schema) in entries(&openapi["components"]["schemas"]) {
        let name = escaped(name);
        writeln!(out, "<section><h3 id=\"schema-{name}\">{name}</h3>")?;
        shown(out, &notation(schema))?;
        writeln!(out, "</section>")?;
    }
    Ok(())
}

/// A method of a path.
struct Operation<'o> {
    /// In capital letters.
    method: String,
    path: &'o str,
    content: &'o Value,
}

fn operations(openapi: &Value) -> Vec<Operation<'_>> {
    entries(&openapi["paths"])
        .flat_map(|(path, methods)| {
            entries(methods).map(move |(method, content)| Operation {
                method: method.to_uppercase(),
                path,
                content,
            })
        })
        .collect()
}

impl<'o> Operation<'o> {
    /// The body of the request. `None` for a request without one.
    fn body(&self) -> Option<&'o Value> {
        self.content.get("requestBody").map(|body| &body["content"]["application/json"])
    }

    /// The id of its section. A path contains no space, so the id is unique.
    fn anchor(&self) -> String {
        escaped(&format!("{}-{}", self.method, self.path))
    }

    fn write(&self, out: &mut String) -> Result {
        let Some(body) = self.body() else { return Ok(()) };
        let (anchor, path) = (self.anchor(), escaped(self.path));
        writeln!(out, "<section><h3 id=\"{anchor}\"><code>{} {path}</code></h3>", self.method)?;
        writeln!(out, "<p>{}. Request: {}.", escaped_text(&self.content["summary"]), schema_link(body))?;
        if self.path == "/predict" {
            writeln!(
                out,
                "<a href=\"./\">Try it in the form</a>, which also has this call for curl and Python."
            )?;
        }
        writeln!(out, "</p>")?;
        if let Some(example) = body.get("example") {
            writeln!(out, "<h4>Example of a request</h4>")?;
            shown(out, &format!("{example:#}"))?;
        }
        let answers = &self.content["responses"]["200"]["content"]["application/json"]["examples"];
        for (place, (name, example)) in entries(&body["examples"]).enumerate() {
            writeln!(out, "<h4>Example {} of a request, and its answer</h4>", place + 1)?;
            shown(out, &format!("{:#}", example["value"]))?;
            shown(out, &format!("{:#}", answers[name]["value"]))?;
        }
        writeln!(
            out,
            "<h4>Responses</h4>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Status"
        )?;
        writeln!(out, "<th scope=\"col\">When<th scope=\"col\">Body</thead><tbody>")?;
        for (status, response) in entries(&self.content["responses"]) {
            let (status, when) = (escaped(status), escaped_text(&response["description"]));
            let schema = schema_link(&response["content"]["application/json"]);
            writeln!(out, "<tr><td>{status}<td>{when}<td>{schema}")?;
        }
        writeln!(out, "</tbody></table></div></section>")
    }
}

fn ports(out: &mut String, caption: &str, ports: &[Port]) -> Result {
    writeln!(
        out,
        "<div class=\"scroll\"><table><caption>{caption}</caption><thead><tr><th scope=\"col\">Name"
    )?;
    writeln!(
        out,
        "<th scope=\"col\">Datatype<th scope=\"col\">Shape<th scope=\"col\">Classes</thead><tbody>"
    )?;
    for port in ports {
        let classes =
            port.classes.as_ref().map(|classes| escaped(&classes.names.join(", "))).unwrap_or_default();
        let (name, datatype, shape) = (escaped(&port.name), port.datatype.name(), port.shape_text());
        writeln!(out, "<tr><th scope=\"row\">{name}<td>{datatype}<td>{shape}<td>{classes}")?;
    }
    writeln!(out, "</tbody></table></div>")
}

/// A link to the schema of a body. Empty without one.
fn schema_link(body: &Value) -> String {
    let name = body["schema"]["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    let link = |name| format!("<a href=\"#schema-{name}\">{name}</a>");
    name.map(escaped).map(link).unwrap_or_default()
}

fn shown(out: &mut String, text: &str) -> Result {
    if text.len() > MOST_SHOWN {
        return writeln!(out, "<p>It is long: see <a href=\"openapi.json\">openapi.json</a>.</p>");
    }
    writeln!(out, "<pre>{}</pre>", escaped(text))
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

fn escaped_text(text: &Value) -> String {
    escaped(text.as_str().unwrap_or_default())
}
