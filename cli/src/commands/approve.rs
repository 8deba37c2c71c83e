//! `approve`

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    ModelVersion, Transition,
    annotations::{APPROVE, APPROVED_BY},
};

use super::review::fetch;
use crate::{
    approvals::{self, held, may_approve},
    comment::{self, Comment},
    error::Error,
    identity::{Act, Identity},
    name::VersionName,
    output,
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
/// Shows the review once more before it asks. An early approval is kept, and takes effect when everything else is met. Where
/// several people must approve, each of them runs this command.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: kubectl understudy approve fraud-1.3.0 --id 6f1c2b3d4e5f --reason 'recall is back' -n risk --wait"
)]
pub struct ApproveArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// Id of the reviewed request. If another request waits, nothing is written. Use it in scripts
    #[arg(long)]
    pub id: Option<String>,
    /// A comment, for the record
    #[arg(long, value_name = "TEXT", value_parser = comment::text)]
    pub reason: Option<String>,
    /// `--wait` and `--timeout`.
    #[command(flatten)]
    pub wait: Wait,
}

impl ApproveArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let objects = fetch(session, &self.name).await?;
        let me = session.me(Act::Approve).await?;
        let review = ReviewReport::of(&objects);
        let summary = text::summary(&review, Timestamp::now());
        let breaking = review.breaking.is_some();
        let proposal =
            propose(&objects.version, self.id.as_deref(), self.reason.as_deref(), &me, summary, breaking)?;
        let seen = objects.version.transition().cloned();
        let Some((mut done, written)) = perform(session, &me, proposal).await? else { return Ok(()) };
        // The API server wrote another name over the user name, and with it the approval is one that is recorded already.
        if let Some(seen) = &seen {
            approvals::counts_once(seen, &done.by, &me)?;
        }
        let name = objects.version.name_any();
        // A colleague may have approved since the review.
        if let Some(transition) = written.transition.or_else(|| seen.clone()) {
            let (missing, rest) = rest(&transition, &done.by, &name, &session.namespace);
            done.approvals_needed = Some(missing);
            if self.wait.wait && missing > 0 {
                output::note(rest.trim_start());
            }
            done.sentence.push_str(&rest);
        }
        if let Some(transition) = seen.filter(|_| self.wait.wait) {
            let awaited =
                Awaited { to: transition.to, id: Some(transition.id), seen: objects.version.history().len() };
            done.ending = Some(self.wait.until(session.versions(), &name, |mv| awaited.progress(mv)).await?);
        }
        done.show(session)
    }
}

fn propose(
    mv: &ModelVersion,
    id: Option<&str>,
    reason: Option<&str>,
    me: &Identity,
    summary: String,
    breaking: bool,
) -> Result<Proposal, Error> {
    let transition = undecided(mv, id)?;
    may_approve(mv, transition, me)?;
    let comment = Comment::on_version(mv, reason)?;
    let (id, called) = (&transition.id, called(mv));
    let step = format!("{called}: {} -> {}", transition.from, transition.to);
    let so_far = match transition.approvers {
        ..=1 => String::new(),
        _ => format!("; {}", approvals::in_words(transition)),
    };
    let breaking = if breaking { "; BREAKING for callers of main" } else { "" };
    let write = Write::annotate(Target::Version, &mv.name_any(), &[(APPROVE, id), (APPROVED_BY, &me.name)]);
    Ok(Proposal {
        act: Act::Approve,
        summary,
        question: format!(
            "Approve as {} the request {id} of {}, {step}{so_far}{breaking}{}?",
            me.name,
            transition.requested_by,
            comment.after_colon()
        ),
        writes: vec![comment.on(write)],
        done: format!(
            "approved {id}, {step}{}{}",
            comment.after_colon(),
            held(mv).map(|held| format!("\n{held}")).unwrap_or_default()
        ),
        transition: Some(id.clone()),
    })
}

/// How many people must still approve after `name` has, and what to tell them.
fn rest(transition: &Transition, name: &str, version: &str, namespace: &str) -> (i32, String) {
    let missing = approvals::missing_after(transition, name);
    let words = match missing {
        0 => String::new(),
        _ => format!(
            "\n{}",
            approvals::invitation(&approvals::more_people(missing), version, &transition.id, namespace)
        ),
    };
    (missing, words)
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

    fn approve(mv: &ModelVersion, id: Option<&str>, reason: Option<&str>) -> Result<Proposal, Error> {
        propose(mv, id, reason, &me("bob"), String::new(), false)
    }

    #[test]
    fn an_approval_names_only_the_request_and_the_approver() {
        let proposal = approve(&pending(&Value::Null), None, None).unwrap();
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
        let refused = approve(&pending(&approval), id, None).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn an_approver_who_is_early_sees_what_the_approval_waits_for() {
        let mut mv = pending(&Value::Null);
        let held = json!([{"type": "Approvable", "status": "False", "reason": "AcceptanceMissing",
            "message": "no tester has accepted it", "lastTransitionTime": "2026-11-21T04:00:00Z"}]);
        mv.status.as_mut().unwrap().conditions = serde_json::from_value(held).unwrap();
        let done = approve(&mv, None, None).unwrap().done;
        assert!(
            done.ends_with("\nthe approval waits, AcceptanceMissing: no tester has accepted it"),
            "{done}"
        );
    }

    #[test]
    fn a_request_that_the_operator_has_not_opened_differs_from_no_request() {
        let unseen = version(json!({"spec": {"stage": "Staging"}}));
        let refused = approve(&unseen, None, None).unwrap_err().to_string();
        assert!(refused.contains("the operator has not opened the request"), "{refused}");
        let refused = approve(&version(json!({})), None, None).unwrap_err().to_string();
        assert!(refused.contains("no request waits for a decision"), "{refused}");
    }

    #[test]
    fn a_version_that_was_rolled_away_from_shows_who_rolled_back() {
        let rolled_back = version(json!({"spec": {"stage": "Production"}, "status": {
            "stage": "Archived", "settledGeneration": 3, "history": [{
                "id": "4d4d", "from": "Production", "to": "Archived", "decision": "RolledBack", "digest": "sha256:9f",
                "requestedBy": "erin", "requestedAt": "2026-11-21T04:00:00Z",
                "decidedBy": "carol", "decidedAt": "2026-11-21T04:00:00Z"}]}}));
        let refused = approve(&rolled_back, None, None).unwrap_err().to_string();
        assert!(refused.ends_with("Production -> Archived: rolled back by erin"), "{refused}");
    }

    #[test]
    fn an_approval_carries_its_own_comment_and_removes_that_of_the_request() {
        let mut mv = pending(&Value::Null);
        mv.annotations_mut().insert("understudy.dev/reason".to_owned(), "retrained on October".to_owned());
        let comment = |reason| {
            let patch = approve(&mv, None, reason).unwrap().writes[0].patch();
            patch["metadata"]["annotations"].get("understudy.dev/reason").cloned()
        };
        assert_eq!(comment(Some("recall is back")), Some(json!("recall is back")));
        assert_eq!(comment(None), Some(Value::Null));
        assert!(approve(&mv, None, Some("retrained on October")).is_err());
    }

    #[test]
    fn the_question_says_who_has_approved_and_that_callers_must_change() {
        let mut mv = pending(&Value::Null);
        let transition = mv.status.as_mut().unwrap().transition.as_mut().unwrap();
        transition.approvers = 2;
        let question = propose(&mv, None, Some("fine"), &me("bob"), String::new(), true).unwrap().question;
        assert_eq!(
            question,
            "Approve as bob the request 6f1c2b of alice, fraud 1.3.0: None -> Staging; 0 of 2 people have approved; \
             BREAKING for callers of main: fine?"
        );
    }

    #[test]
    fn an_approval_that_is_not_the_last_one_says_how_many_people_must_still_approve() {
        let mut mv = pending(&Value::Null);
        let transition = mv.status.as_mut().unwrap().transition.as_mut().unwrap();
        transition.approvers = 3;
        assert_eq!(
            rest(transition, "bob", "fraud-1.3.0", "risk"),
            (
                2,
                "\n2 more people must review and approve it, with:\n  kubectl understudy review fraud-1.3.0 -n risk\n  \
                 kubectl understudy approve fraud-1.3.0 --id 6f1c2b -n risk"
                    .to_owned()
            )
        );
        transition.approvers = 1;
        assert_eq!(rest(transition, "bob", "fraud-1.3.0", "risk"), (0, String::new()));
    }
}
