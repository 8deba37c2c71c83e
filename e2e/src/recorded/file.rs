//! The files of the recorded models: JSON, one for each model.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

fn path(folder: &Path, model: &str) -> PathBuf {
    folder.join(format!("{model}.json"))
}

/// Writes the objects of a model.
pub fn save(folder: &Path, model: &str, objects: &[Value]) -> Result<()> {
    let path = path(folder, model);
    let text = format!("{}\n", serde_json::to_string_pretty(objects)?);
    std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
}

/// Reads the objects of a model, in the order in which they are created.
pub fn load(folder: &Path, model: &str) -> Result<Vec<Value>> {
    let path = path(folder, model);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a list of objects", path.display()))
}

/// The image of the release's server, from a recorded Deployment.
pub fn server_image<'a>(objects: &'a [Value]) -> Result<&'a str> {
    let image = |object: &'a Value| object.pointer("/spec/template/spec/containers/0/image")?.as_str();
    objects.iter().find_map(image).context("no Deployment was recorded")
}
