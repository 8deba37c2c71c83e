//! `request`

use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use kube::{ResourceExt, runtime::watcher};
use understudy_crds::{ModelVersion, Stage, Transition, annotations::REQUESTED_BY};

use super::review::fetch;
use crate::{
    approvals,
    comment::{self, Comment},
    error::Error,
    identity::{Act, Identity},
    main_record::decider,
    name::VersionName,
    output,
    pending::called,
    perform::{Proposal, perform},
    progress::Awaited,
    review::{Breaking, ReviewReport},
    session::Session,
    wait::Wait,
    write::{Target, Write},
};

/// How long to wait until the operator opens the request. A running operator needs milliseconds.
const OPENS_WITHIN: Duration = Duration::from_secs(10);

/// Requests a stage for a version
///
/// Sets spec.stage in your name. As many colleagues as spec.approval.approvers says must approve every step except
/// Staging -> Archived.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: kubectl understudy request fraud-1.3.0 production --reason 'retrained on October' -n risk"
)]
pub struct RequestArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// The requested stage
    #[arg(ignore_case = true)]
    pub stage: RequestedStage,
    /// A comment, for the people who approve and for the record
    #[arg(long, value_name = "TEXT", value_parser = comment::text)]
    pub reason: Option<String>,
    /// `--wait` and `--timeout`.
    #[command(flatten)]
    pub wait: Wait,
}

/// The stages that can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RequestedStage {
    /// Runs alongside main, for tests
    Staging,
    /// Becomes main
    Production,
    /// Does not run any more
    Archived,
}

impl From<RequestedStage> for Stage {
    fn from(requested: RequestedStage) -> Self {
        match requested {
            RequestedStage::Staging => Self::Staging,
            RequestedStage::Production => Self::Production,
            RequestedStage::Archived => Self::Archived,
        }
    }
}

impl RequestArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let to = Stage::from(self.stage);
        // What main's callers notice is known before the request.
        let (mv, breaking) = match to {
            Stage::Production => {
                let objects = fetch(session, &self.name).await?;
                let breaking = ReviewReport::of(&objects).breaking;
                (objects.version, breaking)
            }
            _ => (session.version(&self.name).await?, None),
        };
        let me = session.me(Act::Request).await?;
        let comment = Comment::on_version(&mv, self.reason.as_deref())?;
        let proposal = propose(&mv, to, &comment, breaking.as_ref(), &me)?;
        let Some((mut done, written)) = perform(session, &me, proposal).await? else { return Ok(()) };
        let (name, seen) = (mv.name_any(), mv.history().len());
        if self.wait.wait {
            let awaited = Awaited { to, id: None, seen };
            done.ending = Some(self.wait.until(session.versions(), &name, |mv| awaited.progress(mv)).await?);
        } else if mv.stage().needs_approval(to) {
            match opened(session, &name, written.generation).await {
                Some(transition) => {
                    let invitation = invitation(&transition, &name, &session.namespace);
                    done.sentence = format!("{}\n{invitation}", done.sentence);
                    done.approvals_needed = Some(approvals::missing(&transition));
                    done.transition = Some(transition.id);
                }
                None => output::note(&format!(
                    "the operator did not open the request within {} s; kubectl understudy review {name} shows the reason",
                    OPENS_WITHIN.as_secs()
                )),
            }
        }
        done.show(session)
    }
}

fn invitation(transition: &Transition, name: &str, namespace: &str) -> String {
    let people = match approvals::missing(transition) {
        ..=1 => "a colleague".to_owned(),
        more => format!("{more} colleagues"),
    };
    approvals::invitation(&people, name, &transition.id, namespace)
}

/// The write that requests the stage: usually one patch.
fn propose(
    mv: &ModelVersion,
    to: Stage,
    comment: &Comment,
    breaking: Option<&Breaking>,
    me: &Identity,
) -> Result<Proposal, Error> {
    let (name, called, from) = (mv.name_any(), called(mv), mv.stage());
    if from == to {
        return Err(Error::Refused(format!("{called} is already in {to}")));
    }
    if let Some(t) = mv.transition() {
        let what = if t.to == to { "this stage is already requested" } else { "another request is open" };
        return Err(Error::Refused(format!(
            "{what}: {} -> {}, id {}, by {}; kubectl understudy withdraw {name} withdraws it",
            t.from, t.to, t.id, t.requested_by
        )));
    }
    let was_in_production = mv.was_in_production();
    if !from.may_become(to, was_in_production) {
        let steps: Vec<_> = Stage::ALL
            .iter()
            .filter(|s| from.may_become(**s, was_in_production))
            .map(|s| s.as_str())
            .collect();
        return Err(Error::Refused(format!(
            "the step {from} -> {to} does not exist; from {from}, a version can go to {}",
            steps.join(" or ")
        )));
    }
    let write =
        |stage| Write::annotate(Target::Version, &name, &[(REQUESTED_BY, &me.name)]).with_stage(stage);
    let mut summary = vec![];
    let mut writes = vec![comment.on(write(to))];
    if mv.spec.stage == to {
        // A patch with the stage that spec.stage already has would not change the generation. The comment belongs to the
        // request, and one that an earlier act left does not.
        writes = vec![comment.on_step_back(write(from)), comment.on_step_forth(write(to))];
        let ended = mv
            .history()
            .last()
            .map(|h| format!(" ({} by {})", h.decision.as_str(), decider(h)))
            .unwrap_or_default();
        summary.push(format!(
            "spec.stage is still {to} from an earlier request that has ended{ended}. It is first set back to {from}, then to {to} again."
        ));
    }
    summary.extend(breaking.map(Breaking::in_words));
    let approval =
        if from.needs_approval(to) { "a colleague must approve it" } else { "this step needs no approval" };
    Ok(Proposal {
        act: Act::Request,
        summary: summary.join("\n"),
        question: format!(
            "Request as {}: {called}, {from} -> {to} ({approval}){}?",
            me.name,
            comment.after_colon()
        ),
        writes,
        done: format!("requested {called}: {from} -> {to}{}", comment.after_colon()),
        transition: None,
    })
}

/// The transition that the operator opens for this generation; `None` if it opens none in time.
async fn opened(session: &Session, name: &str, generation: Option<i64>) -> Option<Transition> {
    let opening = async {
        let mut changes = std::pin::pin!(watcher::watch_object(session.versions(), name));
        while let Ok(Some(seen)) = changes.try_next().await {
            let transition = seen.as_ref().and_then(ModelVersion::transition);
            if let Some(open) = transition.filter(|t| Some(t.generation) == generation) {
                return Some(open.clone());
            }
        }
        None
    };
    tokio::time::timeout(OPENS_WITHIN, opening).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::fixtures::{me, version};

    fn propose(mv: &ModelVersion, to: Stage, me: &Identity) -> Result<Proposal, Error> {
        super::propose(mv, to, &Comment::None, None, me)
    }

    fn stages(proposal: &Proposal) -> Vec<Stage> {
        proposal.writes.iter().filter_map(|w| w.stage).collect()
    }

    #[test]
    fn a_first_request_is_one_patch_with_the_name_of_the_requester() {
        let proposal =
            propose(&version(json!({"spec": {"stage": "None"}})), Stage::Staging, &me("alice")).unwrap();
        let patch = json!({"metadata": {"annotations": {"understudy.dev/requested-by": "alice"}}, "spec": {"stage": "Staging"}});
        assert_eq!(proposal.writes.iter().map(Write::patch).collect::<Vec<_>>(), [patch]);
    }

    #[test]
    fn a_rejected_stage_is_requested_again_in_two_patches() {
        let rejected =
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging", "settledGeneration": 3}});
        let proposal = propose(&version(rejected), Stage::Production, &me("alice")).unwrap();
        assert_eq!(stages(&proposal), [Stage::Staging, Stage::Production]);
        assert!(proposal.summary.contains("first set back to Staging"), "{}", proposal.summary);
    }

    #[test]
    fn a_superseded_version_requests_staging_in_one_patch() {
        let superseded =
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Archived", "settledGeneration": 3}});
        assert_eq!(
            stages(&propose(&version(superseded), Stage::Staging, &me("alice")).unwrap()),
            [Stage::Staging]
        );
    }

    #[rstest]
    #[case(json!({"spec": {"stage": "Staging"}, "status": {"stage": "Staging"}}), Stage::Staging, "already in Staging")]
    #[case(json!({"spec": {"stage": "None"}}), Stage::Production, "the step None -> Production does not exist; from None, a version can go to Staging")]
    #[case(json!({"spec": {"stage": "Archived"}, "status": {"stage": "Archived"}}), Stage::Production, "from Archived, a version can go to Staging")]
    fn a_step_that_does_not_exist_is_not_sent(
        #[case] mv: serde_json::Value,
        #[case] to: Stage,
        #[case] why: &str,
    ) {
        let refused = propose(&version(mv), to, &me("alice")).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }

    #[test]
    fn an_open_request_is_not_replaced_by_accident() {
        let open = json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging", "transition": {
            "id": "6f1c2b", "from": "Staging", "to": "Production", "requestedBy": "carol",
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f"}}});
        let refused = propose(&version(open), Stage::Archived, &me("alice")).unwrap_err().to_string();
        assert!(
            refused.contains("id 6f1c2b, by carol; kubectl understudy withdraw fraud-1.3.0"),
            "{refused}"
        );
    }

    #[test]
    fn the_comment_of_a_request_replaces_that_of_the_rejection_before() {
        let rejected = json!({"metadata": {"annotations": {"understudy.dev/reason": "recall fell"}},
            "spec": {"stage": "Production"}, "status": {"stage": "Staging", "settledGeneration": 3}});
        let mv = version(rejected);
        let reasons = |text| {
            let comment = Comment::on_version(&mv, text).unwrap();
            let proposal = super::propose(&mv, Stage::Production, &comment, None, &me("alice")).unwrap();
            let annotations = |w: &Write| w.patch()["metadata"]["annotations"].as_object().unwrap().clone();
            let reason = |w: &Write| annotations(w).get("understudy.dev/reason").cloned();
            proposal.writes.iter().map(reason).collect::<Vec<_>>()
        };
        let removed = Some(serde_json::Value::Null);
        assert_eq!(reasons(None), [removed.clone(), None]);
        assert_eq!(reasons(Some("recall is back")), [removed, Some(json!("recall is back"))]);
    }

    #[test]
    fn the_requester_sees_that_callers_must_change() {
        let breaking = Breaking {
            change: "1.3.0 needs the input age".to_owned(),
            main: "1.2.0".to_owned(),
            major_required: true,
        };
        let staged = version(json!({"spec": {"stage": "Staging"}, "status": {"stage": "Staging"}}));
        let proposal =
            super::propose(&staged, Stage::Production, &Comment::None, Some(&breaking), &me("alice"))
                .unwrap();
        assert!(
            proposal.summary.starts_with("BREAKING for callers of 1.2.0: 1.3.0 needs the input age"),
            "{}",
            proposal.summary
        );
    }

    #[test]
    fn the_requester_learns_how_many_colleagues_must_approve() {
        let transition = json!({"id": "6f1c2b", "from": "Staging", "to": "Production", "requestedBy": "alice",
            "requestedAt": "2026-11-21T04:00:00Z", "generation": 3, "digest": "sha256:9f", "approvers": 2});
        let transition: Transition = serde_json::from_value(transition).unwrap();
        let words = invitation(&transition, "fraud-1.3.0", "risk");
        assert!(words.starts_with("2 colleagues must review and approve it, with:\n"), "{words}");
        assert!(words.ends_with("kubectl understudy approve fraud-1.3.0 --id 6f1c2b -n risk"), "{words}");
    }
}
