//! `accept`

use clap::{Args, ValueEnum};
use kube::ResourceExt;
use understudy_crds::{
    ModelVersion, Stage,
    annotations::{ACCEPT, ACCEPTED_BY, FEEDBACK},
};

use crate::{
    error::Error,
    identity::{Act, Identity},
    name::VersionName,
    pending::called,
    perform::{Proposal, perform},
    session::Session,
    write::{Target, Write},
};

/// Records the verdict of a tester on a version in Staging
#[derive(Debug, Args)]
#[command(
    after_help = "Example: kubectl understudy accept fraud-1.3.0 passed --feedback 'predicts as the model card says' -n risk"
)]
pub struct AcceptArgs {
    /// Version: fraud-1.3.0 or fraud/1.3.0
    pub name: VersionName,
    /// The verdict
    #[arg(ignore_case = true)]
    pub verdict: TestVerdict,
    /// Observations, for the approver
    #[arg(long, required_if_eq("verdict", "failed"), value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub feedback: Option<String>,
}

/// The verdict of a tester.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestVerdict {
    /// The version works as documented
    Passed,
    /// The version does not; requires --feedback
    Failed,
}

impl TestVerdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl AcceptArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let mv = session.version(&self.name).await?;
        let me = session.me(Act::Accept).await?;
        let proposal = propose(&mv, self.verdict, self.feedback.as_deref(), &me)?;
        if let Some((done, _)) = perform(session, &me, proposal).await? {
            done.show(session)?;
        }
        Ok(())
    }
}

fn propose(
    mv: &ModelVersion,
    verdict: TestVerdict,
    feedback: Option<&str>,
    me: &Identity,
) -> Result<Proposal, Error> {
    let called = called(mv);
    if mv.stage() != Stage::Staging {
        return Err(Error::Refused(format!(
            "only a version in Staging can be tested, and {called} is in {}",
            mv.stage()
        )));
    }
    let verdict = verdict.as_str();
    let write =
        Write::annotate(Target::Version, &mv.name_any(), &[(ACCEPT, verdict), (ACCEPTED_BY, &me.name)]);
    let said = feedback.map(|f| format!(": {f}")).unwrap_or_default();
    Ok(Proposal {
        act: Act::Accept,
        summary: String::new(),
        question: format!("Record as {} that the acceptance test of {called} {verdict}{said}?", me.name),
        writes: vec![match feedback {
            Some(feedback) => write.with(FEEDBACK, feedback),
            // The feedback of an earlier verdict does not belong to this one.
            None => write.without(FEEDBACK),
        }],
        done: format!("recorded that the acceptance test of {called} {verdict}{said}"),
        transition: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::fixtures::{me, version};

    fn staged() -> ModelVersion {
        version(json!({"spec": {"stage": "Staging"}, "status": {"stage": "Staging"}}))
    }

    #[test]
    fn a_verdict_without_feedback_removes_earlier_feedback() {
        let proposal = propose(&staged(), TestVerdict::Passed, None, &me("tess")).unwrap();
        let annotations = proposal.writes[0].patch()["metadata"]["annotations"].clone();
        assert_eq!(
            annotations,
            json!({"understudy.dev/accept": "passed", "understudy.dev/accepted-by": "tess", "understudy.dev/feedback": Value::Null})
        );
    }

    #[test]
    fn a_failed_test_carries_its_feedback() {
        let proposal = propose(&staged(), TestVerdict::Failed, Some("NaN for row 3"), &me("tess")).unwrap();
        let annotations = proposal.writes[0].patch()["metadata"]["annotations"].clone();
        assert_eq!(annotations["understudy.dev/feedback"], "NaN for row 3");
    }

    #[test]
    fn only_a_version_in_staging_can_be_tested() {
        let refused =
            propose(&version(json!({})), TestVerdict::Passed, None, &me("tess")).unwrap_err().to_string();
        assert!(refused.contains("fraud 1.3.0 is in None"), "{refused}");
    }
}
