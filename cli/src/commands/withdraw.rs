//! `withdraw`

use clap::Args;
use kube::ResourceExt;
use understudy_crds::{ModelVersion, annotations::REQUESTED_BY};

use crate::{
    comment::{self, Comment},
    error::Error,
    identity::{Act, Identity},
    name::VersionName,
    pending::called,
    perform::{Proposal, perform},
    session::Session,
    write::{Target, Write},
};

/// Withdraws a request
///
/// Sets spec.stage back to the present stage. If the request is approved and rolls out, the roll-out stops.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: kubectl understudy withdraw fraud-1.3.0 --reason 'trained on the wrong month' -n risk"
)]
pub struct WithdrawArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// A comment, for the record
    #[arg(long, value_name = "TEXT", value_parser = comment::text)]
    pub reason: Option<String>,
}

impl WithdrawArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let mv = session.version(&self.name).await?;
        let me = session.me(Act::Withdraw).await?;
        if let Some((done, _)) = perform(session, &me, propose(&mv, self.reason.as_deref(), &me)?).await? {
            done.show(session)?;
        }
        Ok(())
    }
}

fn propose(mv: &ModelVersion, reason: Option<&str>, me: &Identity) -> Result<Proposal, Error> {
    let (called, stage) = (called(mv), mv.stage());
    if mv.transition().is_none() && !mv.is_requested() {
        return Err(Error::Refused(format!(
            "nothing to withdraw: {called} is in {stage} and no request is open"
        )));
    }
    let comment = Comment::on_version(mv, reason)?;
    let write = Write::annotate(Target::Version, &mv.name_any(), &[(REQUESTED_BY, &me.name)]);
    let (requested, id) = (mv.spec.stage, mv.transition().map(|t| t.id.clone()));
    let by = mv.transition().map(|t| format!(", requested by {}", t.requested_by)).unwrap_or_default();
    let approved = mv.transition().and_then(|t| t.approval.as_ref());
    let summary = approved
        .map(|grant| format!("{} approved it, and it rolls out. Withdrawing stops the roll-out.", grant.by));
    Ok(Proposal {
        act: Act::Withdraw,
        summary: summary.unwrap_or_default(),
        question: format!(
            "Withdraw as {} the request {called}: {stage} -> {requested}{by}{}?",
            me.name,
            comment.after_colon()
        ),
        writes: vec![comment.on(write).with_stage(stage)],
        done: format!("withdrew the request {called}: {stage} -> {requested}{}", comment.after_colon()),
        transition: id,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use understudy_crds::Stage;

    use super::*;
    use crate::fixtures::{me, version};

    #[test]
    fn a_withdrawal_sets_spec_stage_back_to_the_present_stage() {
        let open = version(json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging"}}));
        let proposal = propose(&open, Some("wrong month"), &me("alice")).unwrap();
        assert_eq!(proposal.writes[0].stage, Some(Stage::Staging));
        let annotations = &proposal.writes[0].patch()["metadata"]["annotations"];
        assert_eq!(annotations["understudy.dev/reason"], "wrong month");
    }

    #[test]
    fn a_request_that_ended_cannot_be_withdrawn() {
        let rejected =
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging", "settledGeneration": 3}});
        let refused = propose(&version(rejected), None, &me("alice")).unwrap_err().to_string();
        assert!(refused.contains("nothing to withdraw: fraud 1.3.0 is in Staging"), "{refused}");
    }
}
