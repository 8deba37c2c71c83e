//! Compiles the protocol's gRPC messages, and their description for reflection.

use std::{env, path::PathBuf};

use prost::Message as _;

/// Messages that are JSON documents over REST.
const DOCUMENTS: [&str; 8] = [
    "inference.ModelConfig",
    "inference.ModelInput",
    "inference.ModelOutput",
    "inference.ModelStatistics",
    "inference.InferStatistics",
    "inference.InferBatchStatistics",
    "inference.StatisticDuration",
    "inference.RepositoryIndexResponse.ModelIndex",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = "proto/open_inference.proto";
    println!("cargo::rerun-if-changed={file}");
    let described = protox::compile([file], ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("open_inference.binpb"), described.encode_to_vec())?;
    let mut config = prost_build::Config::new();
    // The contents of tensors stay in the memory of the body.
    config.bytes(["."]);
    for message in DOCUMENTS {
        config.type_attribute(message, "#[derive(serde::Serialize)]");
    }
    config.field_attribute("data_type", "#[serde(serialize_with = \"data_type_name\")]");
    config.compile_fds(described)?;
    Ok(())
}
