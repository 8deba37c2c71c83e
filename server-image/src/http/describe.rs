//! The documents that describe server and model, as the Open Inference Protocol and Triton have them.

use serde_json::{Value, json};

use crate::{
    error::Refusal,
    proto::{DataType, ModelConfig, ModelInput, ModelOutput, repository_index_response::ModelIndex},
    signature::Signature,
    tensor::Datatype,
};

/// The server's name.
pub const NAME: &str = "understudy";
/// The server's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The model's platform, in the words of the protocol.
pub const PLATFORM: &str = "onnx_onnxv1";
/// Extensions of the protocol that this server supports.
pub const EXTENSIONS: [&str; 4] =
    ["binary_tensor_data", "classification", "model_configuration", "statistics"];

/// The server's metadata.
#[must_use]
pub fn server() -> Value {
    json!({"name": NAME, "version": VERSION, "extensions": EXTENSIONS})
}

/// The model's metadata.
#[must_use]
pub fn metadata(deployment: &str, version: &str, signature: &Signature) -> Value {
    json!({
        "name": deployment,
        "versions": [version],
        "platform": PLATFORM,
        "inputs": signature.inputs,
        "outputs": signature.outputs,
    })
}

/// The model's configuration as Triton has it. Shapes contain the dimension of the rows, which `max_batch_size` 0 says.
#[must_use]
pub fn config(deployment: &str, signature: &Signature) -> ModelConfig {
    let input = signature.inputs.iter().map(|port| ModelInput {
        name: port.name.clone(),
        data_type: data_type(port.datatype).into(),
        dims: port.shape.clone(),
    });
    let output = signature.outputs.iter().map(|port| ModelOutput {
        name: port.name.clone(),
        data_type: data_type(port.datatype).into(),
        dims: port.shape.clone(),
    });
    ModelConfig {
        name: deployment.to_owned(),
        platform: "onnxruntime_onnx".to_owned(),
        backend: "onnxruntime".to_owned(),
        max_batch_size: 0,
        input: input.collect(),
        output: output.collect(),
    }
}

/// Triton's datatype in a configuration.
fn data_type(datatype: Datatype) -> DataType {
    match datatype {
        Datatype::Bool => DataType::TypeBool,
        Datatype::Uint8 => DataType::TypeUint8,
        Datatype::Uint16 => DataType::TypeUint16,
        Datatype::Uint32 => DataType::TypeUint32,
        Datatype::Uint64 => DataType::TypeUint64,
        Datatype::Int8 => DataType::TypeInt8,
        Datatype::Int16 => DataType::TypeInt16,
        Datatype::Int32 => DataType::TypeInt32,
        Datatype::Int64 => DataType::TypeInt64,
        Datatype::Fp16 => DataType::TypeFp16,
        Datatype::Bf16 => DataType::TypeBf16,
        Datatype::Fp32 => DataType::TypeFp32,
        Datatype::Fp64 => DataType::TypeFp64,
        Datatype::Bytes => DataType::TypeString,
    }
}

/// Whether the body of a request for the index selects the models that are loaded.
pub fn only_ready(request: &[u8]) -> Result<bool, Refusal> {
    if request.is_empty() {
        return Ok(false);
    }
    let request: Value =
        serde_json::from_slice(request).map_err(|error| Refusal::bad(format!("invalid JSON: {error}")))?;
    Ok(request.get("ready").and_then(Value::as_bool).unwrap_or_default())
}

/// The index of Triton's model repository: the one model of this server.
#[must_use]
pub fn index(only_ready: bool, deployment: &str, version: &str, is_loaded: bool) -> Vec<ModelIndex> {
    if only_ready && !is_loaded {
        return Vec::new();
    }
    let (state, reason) =
        if is_loaded { ("READY", "") } else { ("LOADING", "the model is still being loaded") };
    let (name, version) = (deployment.to_owned(), version.to_owned());
    vec![ModelIndex { name, version, state: state.to_owned(), reason: reason.to_owned() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_has_the_model_while_it_loads_unless_only_loaded_ones_are_requested() {
        let index = |body: &[u8], loaded| {
            only_ready(body).map(|only_ready| index(only_ready, "fraud", "1.3.0", loaded))
        };
        assert_eq!(index(b"", false).unwrap()[0].state, "LOADING");
        assert_eq!(index(br#"{"ready":true}"#, false), Ok(vec![]));
        assert_eq!(index(br#"{"ready":true}"#, true).unwrap()[0].state, "READY");
        assert_eq!(index(b"{", true).unwrap_err().status(), 400);
    }
}
