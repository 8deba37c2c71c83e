//! What the program says about itself and its model: `GET /v2` and `GET /v2/models/<name>`.

use std::collections::HashSet;

use serde::Deserialize;
use understudy_contract::{Failure, Reason};

use super::{
    Endpoint,
    connection::{CallError, Connection, Outgoing, Reply},
};
use crate::{
    codec::scan::DEPTH,
    signature::{Port, Signature},
    tensor::Datatype,
};

/// Largest description in bytes.
const MAX_DESCRIPTION: usize = 1 << 20;
/// The extension for tensors in binary, as servers list it.
const BINARY: &str = "binary_tensor_data";

/// What the program says about its model.
#[derive(Debug, PartialEq)]
pub struct Described {
    /// Inputs and outputs.
    pub signature: Signature,
    /// Names of the features of its only input, from that input's parameter `feature_names`.
    pub features: Option<Vec<String>>,
    /// Whether tensors go in binary. Otherwise they go as JSON.
    pub binary: bool,
}

#[derive(Deserialize)]
struct Server {
    #[serde(default)]
    extensions: Vec<String>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    inputs: Option<Vec<Tensor>>,
    #[serde(default)]
    outputs: Option<Vec<Tensor>>,
}

#[derive(Deserialize)]
struct Tensor {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    feature_names: Option<Vec<String>>,
}

/// Asks the program for the description of its model.
///
/// Fails with `RuntimeNotReady` if it does not answer or does not have the model, and with `InvalidRuntime` if the description
/// is not one of the protocol, or has no inputs or outputs.
pub async fn describe(endpoint: &Endpoint) -> Result<Described, Failure> {
    let mut connection = Connection::new(endpoint.port);
    let path = format!("/v2/models/{}", endpoint.model);
    let model = get(&mut connection, path).await?;
    let server = get(&mut connection, "/v2".to_owned()).await?;
    // Extensions are optional, and so is everything about them.
    let extensions = serde_json::from_slice::<Server>(&server.body).map(|server| server.extensions);
    let binary =
        server.status.is_success() && extensions.is_ok_and(|all| all.iter().any(|one| one == BINARY));
    if !model.status.is_success() {
        let message = format!(
            "the image of spec.runtime answered {} to GET /v2/models/{}: set spec.runtime.model to the name of its model",
            model.status.as_u16(),
            endpoint.model
        );
        return Err(Failure::new(Reason::RuntimeNotReady, message));
    }
    let model = serde_json::from_slice(&model.body).map_err(|error| {
        let message = format!(
            "the image of spec.runtime answered to GET /v2/models/{} with something else than a description: {error}",
            endpoint.model
        );
        Failure::new(Reason::InvalidRuntime, message)
    })?;
    described(model, binary).map_err(|what| {
        let message = format!("the description of the model by the image of spec.runtime: {what}");
        Failure::new(Reason::InvalidRuntime, message)
    })
}

async fn get(connection: &mut Connection, path: String) -> Result<Reply, Failure> {
    connection.call(&Outgoing::get(path), MAX_DESCRIPTION).await.map_err(|error| {
        let reason = match error {
            CallError::Unreachable(_) => Reason::RuntimeNotReady,
            CallError::Broken(_) => Reason::InvalidRuntime,
        };
        Failure::new(reason, error)
    })
}

fn described(model: Model, binary: bool) -> Result<Described, String> {
    let inputs = model.inputs.unwrap_or_default();
    let features = match inputs.as_slice() {
        [only] => only.parameters.as_ref().and_then(|parameters| parameters.feature_names.clone()),
        _ => None,
    };
    let inputs = ports("input", inputs, binary)?;
    let outputs = ports("output", model.outputs.unwrap_or_default(), binary)?;
    Ok(Described { signature: Signature { inputs, outputs }, features, binary })
}

fn ports(kind: &str, tensors: Vec<Tensor>, binary: bool) -> Result<Vec<Port>, String> {
    if tensors.is_empty() {
        return Err(format!(
            "it has no {kind}s; declare them where the image reads its settings (MLServer: MLSERVER_MODEL_{}S)",
            kind.to_uppercase()
        ));
    }
    let mut names = HashSet::new();
    let port = |Tensor { name, datatype, shape, .. }: Tensor| {
        let wrong = |what: &str| format!("{kind} `{name}` {what}");
        if name.is_empty() {
            return Err(format!("an {kind} has no name"));
        }
        if !names.insert(name.clone()) {
            return Err(wrong("is there twice"));
        }
        let datatype = Datatype::from_name(&datatype).ok_or_else(|| {
            wrong(&format!("has the datatype `{datatype}`, which the protocol does not have"))
        })?;
        if !binary && !datatype.has_json() {
            return Err(wrong(&format!(
                "is {datatype}, which has no JSON form, and the image does not list the extension {BINARY}"
            )));
        }
        if shape.len() > DEPTH || shape.iter().any(|extent| *extent < -1) {
            return Err(wrong("has a shape that no tensor has"));
        }
        Ok(Port::new(&name, datatype, &shape))
    };
    tensors.into_iter().map(port).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn of(inputs: &Value, binary: bool) -> Result<Described, String> {
        let outputs = json!([{"name": "score", "datatype": "FP64", "shape": [-1]}]);
        described(serde_json::from_value(json!({"inputs": inputs, "outputs": outputs})).unwrap(), binary)
    }

    #[test]
    fn a_description_becomes_a_signature_with_the_names_of_the_features() {
        let found = of(
            &json!([{
                "name": "x", "datatype": "FP32", "shape": [-1, 2],
                "parameters": {"content_type": "np", "feature_names": ["age", "amount"]},
            }]),
            false,
        )
        .unwrap();
        assert_eq!(found.signature.inputs, [Port::new("x", Datatype::Fp32, &[-1, 2])]);
        assert_eq!(found.features, Some(vec!["age".to_owned(), "amount".to_owned()]));
    }

    #[rstest]
    #[case(json!(null), "it has no inputs; declare them")]
    #[case(json!([]), "it has no inputs; declare them")]
    #[case(json!([{"name": "", "datatype": "FP32", "shape": [1]}]), "an input has no name")]
    #[case(json!([{"name": "x", "datatype": "float", "shape": [1]}]), "which the protocol does not have")]
    #[case(json!([{"name": "x", "datatype": "FP16", "shape": [1]}]), "has no JSON form")]
    #[case(json!([{"name": "x", "datatype": "FP32", "shape": [-2]}]), "a shape that no tensor has")]
    #[case(
        json!([{"name": "x", "datatype": "FP32", "shape": [1]}, {"name": "x", "datatype": "FP32", "shape": [1]}]),
        "is there twice"
    )]
    fn what_no_caller_could_use_is_refused_with_its_name(#[case] inputs: Value, #[case] expected: &str) {
        let message = of(&inputs, false).unwrap_err();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn a_datatype_without_a_json_form_needs_the_binary_extension() {
        let inputs = json!([{"name": "x", "datatype": "FP16", "shape": [1]}]);
        assert!(of(&inputs, true).is_ok());
    }
}
