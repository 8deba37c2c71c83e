//! The OpenAPI description of this model.

use serde_json::{Map, Value, json};
use understudy_stats::Baseline;

use super::{
    example_requests,
    predict_columns::{columns, json_type},
    start_values::StartValues,
};
use crate::{model::Model, signature::Port};

/// The OpenAPI description.
#[must_use]
pub fn openapi(model: &Model, baseline: Option<&Baseline>) -> Value {
    let Model { deployment, identity, signature, .. } = model;
    let version = &identity.version;
    let base = format!("/v2/models/{deployment}");
    let get = |summary: &str, tag: &str| json!({"get": {"summary": summary, "tags": [tag], "responses": {"200": {"description": "OK"}}}});
    let mut paths = Map::new();
    let (columns, start) = (columns(model), StartValues::new(&model.examples, baseline));
    let predict = example_requests::predict(&columns, &start);
    let infer = example_requests::infer(model, &columns, &start);
    paths.insert(
        "/predict".into(),
        post("Predict for records of named columns", "Records", "Predictions", predict.as_ref()),
    );
    paths.insert(
        format!("{base}/infer"),
        post("Infer (Open Inference Protocol v2)", "InferRequest", "InferResponse", infer.as_ref()),
    );
    paths.insert(
        format!("{base}/versions/{version}/infer"),
        post("Infer with this version", "InferRequest", "InferResponse", infer.as_ref()),
    );
    for (path, summary) in [
        (base.clone(), "Inputs and outputs of the model"),
        (format!("{base}/ready"), "Is the model ready?"),
        (format!("{base}/stats"), "Counts and durations of inferences"),
        ("/v2".to_owned(), "Name, version and extensions of the server"),
        ("/v2/models".to_owned(), "The list of models: this one"),
        ("/v2/health/live".to_owned(), "Is the server alive?"),
        ("/v2/health/ready".to_owned(), "Is the server ready?"),
    ] {
        paths.insert(path, get(summary, "Open Inference Protocol"));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": deployment,
            "version": version,
            "description": "A model served by Understudy. NaN and infinity have no JSON form: they are rejected in \
                            inputs and null in outputs.",
        },
        "paths": paths,
        "components": {"schemas": {
            "Record": record(model),
            "Records": {
                "type": "object",
                "required": ["records"],
                "properties": {"records": list_of(&reference("Record"))},
            },
            "Predictions": {
                "type": "object",
                "required": ["predictions"],
                "properties": {"predictions": list_of(&prediction(&signature.outputs))},
            },
            "InferRequest": {
                "type": "object",
                "required": ["inputs"],
                "properties": {
                    "id": {"type": "string"},
                    "parameters": {"type": "object"},
                    "inputs": tensors(&signature.inputs),
                    "outputs": {"type": "array", "items": {"type": "object", "required": ["name"], "properties": {
                        "name": {"enum": names(&signature.outputs)}, "parameters": {"type": "object"},
                    }}},
                },
            },
            "InferResponse": {
                "type": "object",
                "required": ["model_name", "outputs"],
                "properties": {
                    "model_name": {"const": deployment},
                    "model_version": {"const": version},
                    "id": {"type": "string"},
                    "outputs": tensors(&signature.outputs),
                },
            },
            "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}},
        }},
    })
}

fn post(summary: &str, request: &str, response: &str, example: Option<&Value>) -> Value {
    let json_of = |schema: &str| json!({"application/json": {"schema": reference(schema)}});
    let error = |description: &str| json!({"description": description, "content": json_of("Error")});
    let mut body = json_of(request);
    if let Some(example) = example {
        body["application/json"]["example"] = example.clone();
    }
    json!({"post": {
        "summary": summary,
        "tags": ["Inference"],
        "requestBody": {"required": true, "content": body},
        "responses": {
            "200": {"description": "OK", "content": json_of(response)},
            "400": error("The request does not fit the model; the message says why"),
            "413": error("The body is too large"),
            "429": error("The queue is full; try again after Retry-After seconds"),
            "503": error("The model is not ready"),
            "504": error("The request waited too long for a session"),
        },
    }})
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn list_of(items: &Value) -> Value {
    json!({"type": "array", "minItems": 1, "items": items})
}

fn record(model: &Model) -> Value {
    let columns = columns(model);
    let required: Vec<_> = columns.iter().map(|column| column.name).collect();
    let properties: Map<String, Value> = columns
        .iter()
        .map(|column| {
            let element = json!({"type": json_type(column.datatype), "description": column.datatype.name()});
            let schema = if column.list { json!({"type": "array", "items": element}) } else { element };
            (column.name.to_owned(), schema)
        })
        .collect();
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn prediction(outputs: &[Port]) -> Value {
    let properties: Map<String, Value> = outputs
        .iter()
        .map(|port| {
            let element = json!({"type": [json_type(port.datatype), "null"]});
            let one = port.shape.iter().skip(1).all(|dimension| *dimension == 1);
            let schema = match &port.classes {
                Some(classes) => {
                    let scores: Map<String, Value> =
                        classes.names.iter().map(|class| (class.clone(), element.clone())).collect();
                    json!({"type": "object", "required": classes.names, "properties": scores})
                }
                None if port.any_shape => json!({"anyOf": [element, {"type": "array", "items": element}]}),
                None if one => element,
                None => json!({"type": "array", "items": element}),
            };
            (port.name.clone(), schema)
        })
        .collect();
    json!({"type": "object", "required": names(outputs), "properties": properties})
}

fn names(ports: &[Port]) -> Vec<&str> {
    ports.iter().map(|port| port.name.as_str()).collect()
}

/// A list of tensors, with one schema for each port. A variable dimension in a shape may be any integer.
fn tensors(ports: &[Port]) -> Value {
    let tensor = |port: &Port| {
        let dimension = |extent: &i64| {
            if *extent == -1 { json!({"type": "integer", "minimum": 0}) } else { json!({"const": extent}) }
        };
        let dimensions: Vec<Value> = port.shape.iter().map(dimension).collect();
        let shape = if port.any_shape {
            json!({"type": "array", "items": {"type": "integer", "minimum": 0}})
        } else {
            json!({"type": "array", "prefixItems": dimensions, "items": false})
        };
        json!({
            "type": "object",
            "required": ["name", "shape", "datatype"],
            "properties": {
                "name": {"const": port.name},
                "datatype": {"const": port.datatype.name()},
                "shape": shape,
                "parameters": {"type": "object"},
                "data": {"type": "array", "description": "row-major, nested or flat"},
            },
        })
    };
    json!({"type": "array", "items": {"anyOf": ports.iter().map(tensor).collect::<Vec<_>>()}})
}
