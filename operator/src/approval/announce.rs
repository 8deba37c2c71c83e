//! Announces what the status of a version shows and this process has not announced yet.

use std::collections::HashSet;

use kube::runtime::events::EventType;
use understudy_crds::ModelVersion;

use super::notes;
use crate::{
    context::Context,
    decision_log::{self, New},
    reasons,
};

/// Writes the log line of each new decision, and publishes what is new as events. Costs one look-up if nothing is new.
pub async fn announce(ctx: &Context, version: &ModelVersion) {
    if ctx.journal.needs_sweep() {
        let versions = ctx.cache.versions.state();
        let uids: HashSet<_> = versions.iter().filter_map(|v| v.metadata.uid.clone()).collect();
        ctx.journal.forget_all_but(&uids);
    }
    for event in ctx.journal.log(version, &ctx.metrics) {
        let (reason, note) = match event {
            New::Decided(_, entry) => (entry.decision.as_str(), notes::decided(entry)),
            New::Requested(request) => (
                reasons::Event::Requested.as_str(),
                notes::requested(version, request, ctx.config.stamps_names),
            ),
            New::Approved(request, grant) => {
                decision_log::approval(version, request, grant);
                (reasons::Event::ApprovalRecorded.as_str(), notes::approved(request, grant))
            }
            New::Accepted(verdict) => (reasons::Event::AcceptanceTest.as_str(), notes::accepted(verdict)),
            New::Reached(stage) => (reasons::Event::StageReached.as_str(), format!("now in {stage}")),
        };
        ctx.journal.publish(version, &event, EventType::Normal, reason, &note).await;
    }
}
