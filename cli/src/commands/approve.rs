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

/// Approves a colleague's request, after a last look at it.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy approve fraud-1.3.0 --id 6f1c2b3d4e5f -n risk --wait")]
pub struct ApproveArgs {
    /// The version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// Only if this is the request that waits, as `review` showed it; say it in scripts
    #[arg(long)]
    pub id: Option<String>,
    /// Waiting.
    #[command(flatten)]
    pub wait: Wait,
}

impl ApproveArgs {
    /// Runs it.
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

/// What the approval must wait for: it stays, and takes effect once that is met.
fn held(mv: &ModelVersion) -> String {
    let conditions = mv.status.as_ref().map(|s| s.conditions.as_slice()).unwrap_or_default();
    let hold = condition::find(conditions, APPROVABLE).filter(|c| c.status == "False");
    hold.map(|c| format!("\nit waits, {}: {}", c.reason, c.message)).unwrap_or_default()
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
    fn an_approval_names_the_request_and_its_author_and_nothing_else() {
        let proposal = propose(&pending(&Value::Null), None, &me("bob"), String::new()).unwrap();
        let annotations = json!({"understudy.dev/approve": "6f1c2b", "understudy.dev/approved-by": "bob"});
        assert_eq!(proposal.writes[0].patch(), json!({"metadata": {"annotations": annotations}}));
    }

    #[rstest]
    #[case(Some("0ld1d"), Value::Null, "what waits for a decision is 6f1c2b")]
    #[case(None, json!({"by": "carol", "at": "2026-11-21T04:01:00Z"}), "approved already, by carol")]
    fn only_what_was_reviewed_is_approved(
        #[case] id: Option<&str>,
        #[case] approval: Value,
        #[case] why: &str,
    ) {
        let refused = propose(&pending(&approval), id, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn whoever_approves_too_early_learns_what_it_waits_for() {
        let mut mv = pending(&Value::Null);
        let held = json!([{"type": "Approvable", "status": "False", "reason": "AcceptanceMissing",
            "message": "no tester has accepted it", "lastTransitionTime": "2026-11-21T04:00:00Z"}]);
        mv.status.as_mut().unwrap().conditions = serde_json::from_value(held).unwrap();
        let done = propose(&mv, None, &me("bob"), String::new()).unwrap().done;
        assert!(done.ends_with("\nit waits, AcceptanceMissing: no tester has accepted it"), "{done}");
    }

    #[test]
    fn a_request_that_the_operator_has_not_seen_is_told_apart_from_none() {
        let unseen = version(json!({"spec": {"stage": "Staging"}}));
        let refused = propose(&unseen, None, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.contains("the operator has not opened the request"), "{refused}");
        let refused = propose(&version(json!({})), None, &me("bob"), String::new()).unwrap_err().to_string();
        assert!(refused.contains("nothing waits for a decision"), "{refused}");
    }
}
