//! `withdraw`

use clap::Args;
use kube::ResourceExt;
use understudy_crds::{ModelVersion, annotations::REQUESTED_BY};

use crate::{
    error::Error,
    identity::{Act, Identity},
    name::VersionName,
    pending::called,
    perform::{Proposal, perform},
    session::Session,
    write::{Target, Write},
};

/// Takes a request back.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy withdraw fraud-1.3.0 -n risk")]
pub struct WithdrawArgs {
    /// The version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
}

impl WithdrawArgs {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let mv = session.version(&self.name).await?;
        let me = session.me(Act::Withdraw).await?;
        if let Some((done, _)) = perform(session, &me, propose(&mv, &me)?).await? {
            done.show(session)?;
        }
        Ok(())
    }
}

fn propose(mv: &ModelVersion, me: &Identity) -> Result<Proposal, Error> {
    let (called, stage) = (called(mv), mv.stage());
    if mv.transition().is_none() && !mv.is_requested() {
        return Err(Error::Refused(format!(
            "there is nothing to take back: {called} is in {stage} and no request is open"
        )));
    }
    let (asked, id) = (mv.spec.stage, mv.transition().map(|t| t.id.clone()));
    let by = mv.transition().map(|t| format!(", requested by {}", t.requested_by)).unwrap_or_default();
    let approved = mv.transition().and_then(|t| t.approval.as_ref());
    let summary =
        approved.map(|grant| format!("It is approved by {} and rolls out: this stops it.", grant.by));
    Ok(Proposal {
        act: Act::Withdraw,
        summary: summary.unwrap_or_default(),
        question: format!("Take back as {} the request {called}: {stage} -> {asked}{by}?", me.name),
        writes: vec![
            Write::annotate(Target::Version, &mv.name_any(), &[(REQUESTED_BY, &me.name)]).with_stage(stage),
        ],
        done: format!("{} took back the request {called}: {stage} -> {asked}", me.name),
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
    fn a_withdrawal_sets_spec_back_to_where_the_version_is() {
        let open = version(json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging"}}));
        let proposal = propose(&open, &me("alice")).unwrap();
        assert_eq!(proposal.writes[0].stage, Some(Stage::Staging));
    }

    #[test]
    fn what_has_ended_cannot_be_taken_back() {
        let rejected =
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging", "settledGeneration": 3}});
        let refused = propose(&version(rejected), &me("alice")).unwrap_err().to_string();
        assert!(refused.contains("nothing to take back: fraud 1.3.0 is in Staging"), "{refused}");
    }
}
