//! `approve`

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    ModelVersion,
    annotations::{APPROVE, APPROVED_BY},
    condition::{self, APPROVABLE},
};

use super::review::fetch;
use crate::{
    error::Error,
    identity::{Act, Identity},
    name::VersionName,
    pending::{called, undecided},
    perform::{Proposal, perform},
    progress::Awaited,
    review::{ReviewReport, text},
    session::Session,
    wait::Wait,
    write::{Target, Write},
};

/// Approves a colleague's request
///
/// Shows the review once more before it asks. An early approval is kept, and takes effect when everything else is met.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy approve fraud-1.3.0 --id 6f1c2b3d4e5f -n risk --wait")]
pub struct ApproveArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// Id of the reviewed request. If another request waits, nothing is written. Use it in scripts
    #[arg(long)]
    pub id: Option<String>,
    /// `--wait` and `--timeout`.
    #[command(flatten)]
    pub wait: Wait,
}

impl ApproveArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let objects = fetch(session, &self.name).await?;
        let me = session.me(Act::Approve).await?;
        let summary = text::summary(&ReviewReport::of(&objects), Timestamp::now());
        let proposal = propose(&objects.version, self.id.as_deref(), &me, summary)?;
        let awaited = objects.version.transition().map(|t| Awaited {
            to: t.to,
            id: Some(t.id.clone()),
            seen: objects.version.history().len(),
        });
        let Some((mut done, _)) = perform(session, &me, proposal).await? else { return Ok(()) };
        if let Some(awaited) = awaited.filter(|_| self.wait.wait) {
            let name = objects.version.name_any();
            done.ending = Some(self.wait.until(session.versions(), &name, |mv| awaited.progress(mv)).await?);
        }
        done.show(session)
    }
}

fn propose(mv: &ModelVersion, id: Option<&str>, me: &Identity, summary: String) -> Result<Proposal, Error> {
    let transition = undecided(mv, id)?;
    let (id, called) = (&transition.id, called(mv));
    let step = format!("{called}: {} -> {}", transition.from, transition.to);
    Ok(Proposal {
        act: Act::Approve,
        summary,
        question: format!("Approve as {} the request {id} of {}, {step}?", me.name, transition.requested_by),
        writes: vec![Write::annotate(
            Target::Version,
            &mv.name_any(),
            &[(APPROVE, id), (APPROVED_BY, &me.name)],
        )],
        done: format!("{} approved {id}, {step}{}", me.name, held(mv)),
        transition: Some(id.clone()),
    })
}

/// What the approval must wait for. It is kept, and takes effect when that is met.
fn held(mv: &ModelVersion) -> String {
    let conditions = mv.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let hold = condition::find(conditions, APPROVABLE).filter(|c| c.status == "False");
    hold.map(|c| format!("\nthe approval waits, {}: {}", c.reason, c.message)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{me, version};

    fn pending(approval: &Value) -> ModelVersion {
        version(json!({"spec": {"stage": "Staging"}, "status": {"stage": "None", "transition": {
            "id": "6f1c2b", "from": "None", "to": "Staging", "requestedBy": "alice", "approval": approval,
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f"}}}))
    }

    #[test]
    fn an_approval_names_only_the_request_and_the_approver() {
        let proposal = propose(&pending(&Value::Null), None, &me("bob"), String::new()).unwrap();
        let annotations = json!({"understudy.dev/approve": "6f1c2b", "understudy.dev/approved-by": "bob"});
        assert_eq!(proposal.writes[0].patch(), json!({"metadata": {"annotations": annotations}}));
    }

    #[rstest]
    #[case(Some("0ld1d"), Value::Null, "The pending request is 6f1c2b")]
    #[case(None, json!({"by": "carol", "at": "2026-11-21T04:01:00Z"}), "already approved by carol")]
    fn only_the_reviewed_request_is_approved(
        #[case] id: Option<&str>,
        #[case] approval: Value,
        #[case] why: &str,
    ) {
        let refused = propose(&pending(&approval), id, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn an_approver_who_is_early_sees_what_the_approval_waits_for() {
        let mut mv = pending(&Value::Null);
        let held = json!([{"type": "Approvable", "status": "False", "reason": "AcceptanceMissing",
            "message": "no tester has accepted it", "lastTransitionTime": "2026-11-21T04:00:00Z"}]);
        mv.status.as_mut().unwrap().conditions = serde_json::from_value(held).unwrap();
        let done = propose(&mv, None, &me("bob"), String::new()).unwrap().done;
        assert!(
            done.ends_with("\nthe approval waits, AcceptanceMissing: no tester has accepted it"),
            "{done}"
        );
    }

    #[test]
    fn a_request_that_the_operator_has_not_opened_differs_from_no_request() {
        let unseen = version(json!({"spec": {"stage": "Staging"}}));
        let refused = propose(&unseen, None, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.contains("the operator has not opened the request"), "{refused}");
        let refused = propose(&version(json!({})), None, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.contains("no request waits for a decision"), "{refused}");
    }

    #[test]
    fn a_version_that_was_rolled_away_from_shows_who_rolled_back() {
        let rolled_back = version(json!({"spec": {"stage": "Production"}, "status": {
            "stage": "Archived", "settledGeneration": 3, "history": [{
                "id": "4d4d", "from": "Production", "to": "Archived", "decision": "RolledBack", "digest": "sha256:9f",
                "requestedBy": "erin", "requestedAt": "2026-11-21T04:00:00Z",
                "decidedBy": "carol", "decidedAt": "2026-11-21T04:00:00Z"}]}}));
        let refused = propose(&rolled_back, None, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.ends_with("Production -> Archived: rolled back by erin"), "{refused}");
    }
}
