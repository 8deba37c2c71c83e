//! The state of a namespace as text, for the output of a failed story.

use std::fmt::Write as _;

use anyhow::Result;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::{ResourceExt, api::ListParams};
use understudy_crds::{ModelDeployment, ModelVersion};

use crate::Story;

impl Story {
    /// The status of each `ModelDeployment` and `ModelVersion`, the state of each pod, and all events.
    pub async fn diagnostics(&self) -> String {
        let mut text = String::new();
        let parts = tokio::join!(self.models(), self.pods(), self.all_events());
        for part in [parts.0, parts.1, parts.2] {
            let _ = match part {
                Ok(part) => write!(text, "{part}"),
                Err(error) => writeln!(text, "  (failed to read: {error:#})"),
            };
        }
        text
    }

    async fn models(&self) -> Result<String> {
        let mut text = format!("in namespace {}:\n", self.namespace());
        for md in self.api::<ModelDeployment>().list(&ListParams::default()).await? {
            let status = serde_json::to_string(&md.status)?;
            writeln!(text, "  ModelDeployment {}: {status}", md.name_any())?;
        }
        for mv in self.api::<ModelVersion>().list(&ListParams::default()).await? {
            let status = serde_json::to_string(&mv.status)?;
            let (name, requested) = (mv.name_any(), mv.spec.stage);
            writeln!(text, "  ModelVersion {name} (spec.stage {requested}): {status}")?;
        }
        Ok(text)
    }

    async fn pods(&self) -> Result<String> {
        let mut text = String::new();
        for pod in self.api::<Pod>().list(&ListParams::default()).await? {
            let status = pod.status.clone().unwrap_or_default();
            let phase = status.phase.unwrap_or_default();
            let deleted = if pod.metadata.deletion_timestamp.is_some() { ", being deleted" } else { "" };
            writeln!(text, "  Pod {}: {phase}{deleted}", pod.name_any())?;
            for container in status.container_statuses.iter().flatten() {
                let (state, last) = (&container.state, &container.last_state);
                writeln!(
                    text,
                    "    {}: ready {}, restarts {}, state {}, last state {}",
                    container.name,
                    container.ready,
                    container.restart_count,
                    serde_json::to_string(state)?,
                    serde_json::to_string(last)?
                )?;
            }
        }
        Ok(text)
    }

    async fn all_events(&self) -> Result<String> {
        let mut events = self.api::<Event>().list(&ListParams::default()).await?.items;
        events.sort_by_key(ResourceExt::creation_timestamp);
        let mut text = String::new();
        for event in events {
            let object = event.involved_object;
            let (kind, name) = (object.kind.unwrap_or_default(), object.name.unwrap_or_default());
            let (reason, note) = (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
            writeln!(text, "  Event on {kind} {name}: {reason}: {note}")?;
        }
        Ok(text)
    }
}
