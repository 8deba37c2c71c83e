//! Why the server rejects a model file.

use super::limits::{FIELDS, FUNCTION_DEPTH, FUNCTIONS, NESTING, NODES, PORTS};

/// What is wrong with a model file.
#[derive(Debug, thiserror::Error)]
pub(super) enum InspectError {
    #[error("the file is not an ONNX model: {0}")]
    NotOnnx(&'static str),
    #[error("the file is not an ONNX model, or it is damaged: {what} at byte {at}")]
    Damaged { what: &'static str, at: u64 },
    #[error("tensor `{0}` keeps its data in another file; save the model and its weights in one file")]
    ExternalData(String),
    #[error("tensor `{name}` declares {declared} but has {carried} bytes")]
    WrongSize { name: String, declared: String, carried: u64 },
    #[error("the model has more than {NODES} nodes when its functions are expanded")]
    TooManyNodes,
    #[error("graphs are nested more than {NESTING} levels deep")]
    TooNested,
    #[error("the file has more than {FIELDS} fields")]
    TooManyFields,
    #[error("the model has more than {PORTS} inputs and outputs")]
    TooManyPorts,
    #[error("function `{0}` calls itself, or calls other functions more than {FUNCTION_DEPTH} levels deep")]
    FunctionDepth(String),
    #[error("the model has more than {FUNCTIONS} functions")]
    TooManyFunctions,
    #[error("the model has two functions with the name `{0}`")]
    FunctionTwice(String),
    #[error("the file is not an ONNX model, or it is damaged: a part of the same {0} is there twice")]
    PartTwice(&'static str),
    #[error("failed to read the file: {0}")]
    Io(#[from] std::io::Error),
}
