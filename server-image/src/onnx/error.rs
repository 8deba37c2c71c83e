//! Why a model file is refused.

use super::limits::{FIELDS, FUNCTION_DEPTH, NESTING, NODES};

/// Why the file is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum InspectError {
    #[error("the file is no ONNX model: {0}")]
    NotOnnx(&'static str),
    #[error("the file is no ONNX model, or a damaged one: {what} at byte {at}")]
    Damaged { what: &'static str, at: u64 },
    #[error("tensor `{0}` keeps its data in another file; save the model with its weights inside")]
    ExternalData(String),
    #[error("tensor `{name}` declares {declared} but carries {carried} bytes")]
    WrongSize { name: String, declared: String, carried: u64 },
    #[error("the model has more than {NODES} nodes with its functions expanded")]
    TooManyNodes,
    #[error("graphs are nested more than {NESTING} deep")]
    TooNested,
    #[error("the file has more than {FIELDS} fields")]
    TooManyFields,
    #[error("function `{0}` calls itself, or others more than {depth} deep", depth = FUNCTION_DEPTH)]
    FunctionDepth(String),
    #[error("failed to read the file: {0}")]
    Io(#[from] std::io::Error),
}
