//! The operator's writes, as the API server has recorded them in its audit log.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use anyhow::{Context, Result};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

/// Bytes that are searched at once for the end of a line.
const BLOCK: u64 = 64 << 10;

/// The audit log of `SCALE_AUDIT`. It has what the operator's account wrote, and nothing else.
pub struct Audit {
    path: PathBuf,
}

/// A write of the operator that the API server has answered.
#[derive(Clone, Debug)]
pub struct Write {
    /// When the API server had received it.
    pub received: Timestamp,
    /// When it had answered.
    pub answered: Timestamp,
    /// `create`, `update`, `patch` or `delete`.
    pub verb: String,
    /// Path and query of the request.
    pub uri: String,
    /// For example `modelversions/status`.
    pub resource: String,
    /// Name of the object.
    pub name: String,
    /// The status of the answer.
    pub code: u64,
    /// The body of the request.
    pub body: Value,
}

impl Write {
    /// A dry run changes nothing. The operator sends one every 10 s to see whether the approval policy is in force.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=")
    }

    /// The renewal of the Lease of the leader.
    #[must_use]
    pub fn is_lease(&self) -> bool {
        self.resource == "leases"
    }

    /// Whether it is about a model or what belongs to it: neither a dry run nor the Lease.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !self.is_dry_run() && !self.is_lease()
    }

    fn parse(line: &str) -> Result<Self> {
        let event: Value =
            serde_json::from_str(line).context("the audit log has one JSON object in a line")?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let time = |field: &str| -> Result<Timestamp> { Ok(text(&event[field]).parse()?) };
        let about = &event["objectRef"];
        let mut resource = text(&about["resource"]);
        if let Some(sub) = about["subresource"].as_str() {
            resource = format!("{resource}/{sub}");
        }
        Ok(Self {
            received: time("requestReceivedTimestamp")?,
            answered: time("stageTimestamp")?,
            verb: text(&event["verb"]),
            uri: text(&event["requestURI"]),
            resource,
            name: text(&about["name"]),
            code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            body: event["requestObject"].clone(),
        })
    }
}

impl Audit {
    /// The log of `SCALE_AUDIT`.
    pub fn shared() -> Result<Self> {
        let path =
            std::env::var_os("SCALE_AUDIT").context("SCALE_AUDIT is not set: run e2e/cluster/scale")?;
        Ok(Self { path: path.into() })
    }

    /// The end of the last complete line now.
    pub fn mark(&self) -> Result<u64> {
        // The API server makes the file with the first write.
        let Ok(mut file) = File::open(&self.path) else { return Ok(0) };
        let mut end = file.seek(SeekFrom::End(0))?;
        let mut block = vec![];
        while end > 0 {
            let start = end.saturating_sub(BLOCK);
            file.seek(SeekFrom::Start(start))?;
            block.clear();
            file.by_ref().take(end - start).read_to_end(&mut block)?;
            if let Some(line) = block.iter().rposition(|byte| *byte == b'\n') {
                return Ok(start + u64::try_from(line)? + 1);
            }
            end = start;
        }
        Ok(0)
    }

    /// All writes after the mark.
    pub fn since(&self, mark: u64) -> Result<Vec<Write>> {
        let mut file = File::open(&self.path).context("failed to open the audit log")?;
        file.seek(SeekFrom::Start(mark))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        // The last line may be incomplete.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete.lines().map(Write::parse).collect()
    }

    /// The writes after the mark that change an object of a model.
    pub fn changes_since(&self, mark: u64) -> Result<Vec<Write>> {
        Ok(self.since(mark)?.into_iter().filter(Write::is_change).collect())
    }
}
