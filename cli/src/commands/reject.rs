//! `reject`

use clap::Args;
use kube::ResourceExt;
use understudy_crds::{
    ModelVersion,
    annotations::{REJECT, REJECTED_BY},
};

use crate::{
    comment::{self, Comment},
    error::Error,
    identity::{Act, Identity},
    name::VersionName,
    pending::{called, undecided},
    perform::{Proposal, perform},
    session::Session,
    write::{Target, Write},
};

/// Rejects a request, with a reason
///
/// The reason stays on record.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: kubectl understudy reject fraud-1.3.0 --reason 'recall fell on new customers' -n risk"
)]
pub struct RejectArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// The reason, for the colleague who made the request
    #[arg(long, value_name = "TEXT", value_parser = comment::text)]
    pub reason: String,
    /// Id of the reviewed request. If another request waits, nothing is written
    #[arg(long)]
    pub id: Option<String>,
}

impl RejectArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let mv = session.version(&self.name).await?;
        let me = session.me(Act::Reject).await?;
        let proposal = propose(&mv, self.id.as_deref(), &self.reason, &me)?;
        if let Some((done, _)) = perform(session, &me, proposal).await? {
            done.show(session)?;
        }
        Ok(())
    }
}

fn propose(mv: &ModelVersion, id: Option<&str>, reason: &str, me: &Identity) -> Result<Proposal, Error> {
    let transition = undecided(mv, id)?;
    let (id, called) = (&transition.id, called(mv));
    let step = format!("{called}: {} -> {}", transition.from, transition.to);
    let comment = Comment::on_version(mv, Some(reason))?;
    let write = Write::annotate(Target::Version, &mv.name_any(), &[(REJECT, id), (REJECTED_BY, &me.name)]);
    Ok(Proposal {
        act: Act::Reject,
        summary: String::new(),
        question: format!(
            "Reject as {} the request {id} of {}, {step}, because: {reason}?",
            me.name, transition.requested_by
        ),
        writes: vec![comment.on(write)],
        done: format!("rejected {id}, {step}: {reason}"),
        transition: Some(id.clone()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{me, version};

    #[test]
    fn a_rejection_names_the_request_the_reason_and_the_rejecting_user() {
        let mv = version(json!({"spec": {"stage": "Staging"}, "status": {"stage": "None", "transition": {
            "id": "6f1c2b", "from": "None", "to": "Staging", "requestedBy": "alice",
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f"}}}));
        let proposal = propose(&mv, Some("6f1c2b"), "recall fell", &me("bob")).unwrap();
        let annotations = json!({
            "understudy.dev/reject": "6f1c2b",
            "understudy.dev/rejected-by": "bob",
            "understudy.dev/reason": "recall fell",
        });
        assert_eq!(proposal.writes[0].patch(), json!({"metadata": {"annotations": annotations}}));
    }
}
