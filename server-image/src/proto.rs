//! The messages of the Open Inference Protocol over gRPC, as in `proto/open_inference.proto`.

#![allow(missing_docs, clippy::pedantic, reason = "generated")]

include!(concat!(env!("OUT_DIR"), "/inference.rs"));

/// Their description, for clients that ask the server for it.
pub const DESCRIPTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/open_inference.binpb"));

/// The service.
pub const SERVICE: &str = "inference.GRPCInferenceService";
/// The path of its inferences.
pub const MODEL_INFER: &str = "/inference.GRPCInferenceService/ModelInfer";

/// The datatype in a JSON document: its name.
fn data_type_name<S: serde::Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(DataType::try_from(*number).unwrap_or_default().as_str_name())
}
