//! `request`

use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::TryStreamExt;
use kube::{ResourceExt, runtime::watcher};
use understudy_crds::{Decision, ModelVersion, Stage, Transition, annotations::REQUESTED_BY};

use crate::{
    error::Error,
    identity::{Act, Identity},
    main_record::decider,
    name::VersionName,
    output,
    pending::called,
    perform::{Proposal, perform},
    progress::Awaited,
    session::Session,
    wait::Wait,
    write::{Target, Write},
};

/// How long the operator may take to open a request before the person is told that it does not: it takes
/// milliseconds where it runs at all.
const OPENS_WITHIN: Duration = Duration::from_secs(10);

/// Asks for a stage. A colleague must approve it.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy request fraud-1.3.0 staging -n risk")]
pub struct RequestArgs {
    /// The version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// The stage to ask for
    #[arg(ignore_case = true)]
    pub stage: RequestedStage,
    /// Waiting.
    #[command(flatten)]
    pub wait: Wait,
}

/// The stages that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RequestedStage {
    /// Runs beside main, for tests
    Staging,
    /// Becomes main
    Production,
    /// Out of use
    Archived,
}

impl From<RequestedStage> for Stage {
    fn from(asked: RequestedStage) -> Self {
        match asked {
            RequestedStage::Staging => Self::Staging,
            RequestedStage::Production => Self::Production,
            RequestedStage::Archived => Self::Archived,
        }
    }
}

impl RequestArgs {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let mv = session.version(&self.name).await?;
        let me = session.me(Act::Request).await?;
        let to = Stage::from(self.stage);
        let proposal = propose(&mv, to, &me)?;
        let Some((mut done, written)) = perform(session, &me, proposal).await? else { return Ok(()) };
        let (name, seen) = (mv.name_any(), mv.history().len());
        if self.wait.wait {
            let awaited = Awaited { to, id: None, seen };
            done.ending = Some(self.wait.until(session.versions(), &name, |mv| awaited.progress(mv)).await?);
        } else if mv.stage().needs_approval(to) {
            match opened(session, &name, written.generation).await {
                Some(transition) => {
                    done.sentence =
                        format!("{}\n{}", done.sentence, invitation(&mv, &transition, &session.namespace));
                    done.transition = Some(transition.id);
                }
                None => output::note(&format!(
                    "the operator has not opened the request within {} s; kubectl understudy review {name} tells more",
                    OPENS_WITHIN.as_secs()
                )),
            }
        }
        done.show(session)
    }
}

fn invitation(mv: &ModelVersion, transition: &Transition, namespace: &str) -> String {
    let name = mv.name_any();
    format!(
        "a colleague looks and decides with:\n  kubectl understudy review {name} -n {namespace}\n  kubectl understudy approve {name} --id {} -n {namespace}",
        transition.id
    )
}

/// The patches that ask for the stage; usually one.
fn propose(mv: &ModelVersion, to: Stage, me: &Identity) -> Result<Proposal, Error> {
    let (name, called, from) = (mv.name_any(), called(mv), mv.stage());
    if from == to {
        return Err(Error::Refused(format!("{called} is in {to} already")));
    }
    if let Some(t) = mv.transition() {
        let what = if t.to == to { "that is asked for already" } else { "another request is open" };
        return Err(Error::Refused(format!(
            "{what}: {} -> {}, id {}, by {}; kubectl understudy withdraw {name} takes it back",
            t.from, t.to, t.id, t.requested_by
        )));
    }
    let was_in_production = mv.history().iter().any(|h| {
        h.to == Stage::Production && matches!(h.decision, Decision::Approved | Decision::RolledBack)
    });
    if !from.may_become(to, was_in_production) {
        let steps: Vec<_> = Stage::ALL
            .iter()
            .filter(|s| from.may_become(**s, was_in_production))
            .map(|s| s.as_str())
            .collect();
        return Err(Error::Refused(format!(
            "there is no step {from} -> {to}; from {from} it goes to {}",
            steps.join(" or ")
        )));
    }
    let ask = |stage| Write::annotate(Target::Version, &name, &[(REQUESTED_BY, &me.name)]).with_stage(stage);
    let mut summary = String::new();
    let mut writes = vec![ask(to)];
    if mv.spec.stage == to {
        // The API server sees no change in asking for what spec.stage says already.
        writes.insert(0, ask(from));
        let ended = mv
            .history()
            .last()
            .map(|h| format!(" ({} by {})", h.decision.as_str(), decider(h)))
            .unwrap_or_default();
        summary = format!(
            "spec.stage is {to} from an earlier request that has ended{ended}: it is set back to {from} first, then to {to} again."
        );
    }
    let approval =
        if from.needs_approval(to) { "a colleague must approve it" } else { "this step needs no approval" };
    Ok(Proposal {
        act: Act::Request,
        summary,
        question: format!("Ask as {} for {called}: {from} -> {to} ({approval})?", me.name),
        writes,
        done: format!("{} asked for {called}: {from} -> {to}", me.name),
        transition: None,
    })
}

/// The transition that the operator opens for the generation just written.
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

    fn stages(proposal: &Proposal) -> Vec<Stage> {
        proposal.writes.iter().filter_map(|w| w.stage).collect()
    }

    #[test]
    fn a_first_request_is_one_patch_that_carries_the_requesters_own_name() {
        let proposal =
            propose(&version(json!({"spec": {"stage": "None"}})), Stage::Staging, &me("alice")).unwrap();
        let patch = json!({"metadata": {"annotations": {"understudy.dev/requested-by": "alice"}}, "spec": {"stage": "Staging"}});
        assert_eq!(proposal.writes.iter().map(Write::patch).collect::<Vec<_>>(), [patch]);
    }

    #[test]
    fn what_was_rejected_is_asked_for_again_in_two_patches() {
        let rejected =
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Staging", "settledGeneration": 3}});
        let proposal = propose(&version(rejected), Stage::Production, &me("alice")).unwrap();
        assert_eq!(stages(&proposal), [Stage::Staging, Stage::Production]);
        assert!(proposal.summary.contains("set back to Staging first"), "{}", proposal.summary);
    }

    #[test]
    fn what_was_superseded_goes_back_to_staging_in_one_patch() {
        let superseded =
            json!({"spec": {"stage": "Production"}, "status": {"stage": "Archived", "settledGeneration": 3}});
        assert_eq!(
            stages(&propose(&version(superseded), Stage::Staging, &me("alice")).unwrap()),
            [Stage::Staging]
        );
    }

    #[rstest]
    #[case(json!({"spec": {"stage": "Staging"}, "status": {"stage": "Staging"}}), Stage::Staging, "in Staging already")]
    #[case(json!({"spec": {"stage": "None"}}), Stage::Production, "no step None -> Production; from None it goes to Staging")]
    #[case(json!({"spec": {"stage": "Archived"}, "status": {"stage": "Archived"}}), Stage::Production, "from Archived it goes to Staging")]
    fn a_step_that_does_not_exist_is_not_even_sent(
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
}
