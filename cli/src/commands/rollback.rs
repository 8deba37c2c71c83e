//! `rollback`

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    ModelDeployment,
    annotations::{ROLLBACK, ROLLBACK_BY},
};

use crate::{
    comment::{self, Comment},
    error::Error,
    identity::{Act, Identity},
    name::DeploymentName,
    perform::{Proposal, perform},
    progress,
    session::Session,
    wait::Wait,
    when,
    write::{Target, Write},
};

/// Makes an earlier version main again
///
/// One person is enough, because the approval of that version for Production is on record. If its pods are warm, main changes
/// immediately; otherwise its pods start first, and the present main serves meanwhile.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: kubectl understudy rollback fraud 1.2.0 --reason 'too many false alarms' -n risk --wait"
)]
pub struct RollbackArgs {
    /// Deployment: fraud or mdep/fraud
    pub deployment: DeploymentName,
    /// Version to go back to, for example 1.2.0. Default: the previous main
    pub version: Option<String>,
    /// A comment, for the record
    #[arg(long, value_name = "TEXT", value_parser = comment::text)]
    pub reason: Option<String>,
    /// `--wait` and `--timeout`.
    #[command(flatten)]
    pub wait: Wait,
}

impl RollbackArgs {
    /// Runs the subcommand.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let name = self.deployment.as_str();
        let md = session.deployments().get(name).await.map_err(Error::api(Act::Read))?;
        let me = session.me(Act::Rollback).await?;
        let now = Timestamp::now();
        let version = target(&md, self.version.as_deref())?;
        let request = request(&version, now);
        let comment = Comment::on_deployment(&md, self.reason.as_deref())?;
        let proposal = propose(&md, &version, &request, &comment, &me, now)?;
        let Some((mut done, _)) = perform(session, &me, proposal).await? else { return Ok(()) };
        if self.wait.wait {
            let progress = |md: &ModelDeployment| progress::rollback(md, &request);
            done.ending = Some(self.wait.until(session.deployments(), name, progress).await?);
        }
        done.show(session)
    }
}

/// The value of the annotation: the version, and a suffix that distinguishes two rollbacks to the same version.
fn request(version: &str, now: Timestamp) -> String {
    format!("{version}#{}", now.strftime("%Y%m%dT%H%M%S%.3fZ"))
}

fn target(md: &ModelDeployment, version: Option<&str>) -> Result<String, Error> {
    let name = md.name_any();
    if let Some(version) = version {
        // The usual name of the object, too.
        return Ok(version.strip_prefix(&format!("{name}-")).unwrap_or(version).to_owned());
    }
    let previous = md.status.as_ref().and_then(|s| s.previous.as_ref());
    previous.map(|p| p.version.clone()).ok_or_else(|| {
        Error::Refused(format!("{name} has no previous main. Name a version; kubectl understudy history {name} shows those that were main"))
    })
}

fn propose(
    md: &ModelDeployment,
    version: &str,
    request: &str,
    comment: &Comment,
    me: &Identity,
    now: Timestamp,
) -> Result<Proposal, Error> {
    let name = md.name_any();
    let main = md.main().map(|m| m.version.as_str());
    if main == Some(version) {
        return Err(Error::Refused(format!("{version} is already main of {name}")));
    }
    let warm = md
        .status
        .as_ref()
        .and_then(|s| s.previous.as_ref())
        .filter(|p| p.version == version && p.warm_until.0 > now)
        .map(|p| {
            format!(
                "Its pods are warm for another {}: main changes immediately.",
                when::age_until(&p.warm_until, now)
            )
        });
    let main = main.unwrap_or("nothing");
    let write = Write::annotate(Target::Deployment, &name, &[(ROLLBACK, request), (ROLLBACK_BY, &me.name)]);
    Ok(Proposal {
        act: Act::Rollback,
        summary: warm.unwrap_or_else(|| {
            "Its pods start first. The present main serves until they are ready.".to_owned()
        }),
        question: format!("Roll {name} back as {}: {main} -> {version}{}?", me.name, comment.after_colon()),
        writes: vec![comment.on(write)],
        done: format!("requested the rollback of {name}: {main} -> {version}{}", comment.after_colon()),
        transition: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::{deployment, me};

    fn replaced() -> ModelDeployment {
        deployment(json!({"status": {
            "main": {"version": "1.3.0", "modelVersion": "fraud-1.3.0", "digest": "sha256:9f", "since": "2026-11-21T04:00:00Z", "transition": "6f1c2b"},
            "previous": {"version": "1.2.0", "modelVersion": "fraud-1.2.0", "digest": "sha256:7e", "warmUntil": "2026-11-21T04:10:00Z"},
        }}))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_version_the_rollback_goes_to_the_previous_main() {
        assert_eq!(target(&replaced(), None).unwrap(), "1.2.0");
        assert_eq!(target(&replaced(), Some("fraud-1.1.0")).unwrap(), "1.1.0");
        assert!(target(&deployment(json!({})), None).unwrap_err().to_string().contains("Name a version"));
    }

    #[test]
    fn two_rollbacks_to_one_version_are_two_requests() {
        let (first, second) = (at("2026-11-21T04:05:00.001Z"), at("2026-11-21T04:05:00.002Z"));
        assert_eq!(request("1.2.0", first), "1.2.0#20261121T040500.001Z");
        assert_ne!(request("1.2.0", first), request("1.2.0", second));
    }

    #[test]
    fn a_rollback_is_one_patch_of_the_deployment_and_says_how_long_the_pods_stay_warm() {
        let now = at("2026-11-21T04:05:00Z");
        let proposal = propose(&replaced(), "1.2.0", "1.2.0#x", &Comment::None, &me("bob"), now).unwrap();
        let annotations = json!({"understudy.dev/rollback": "1.2.0#x", "understudy.dev/rollback-by": "bob"});
        assert_eq!(proposal.writes[0].patch(), json!({"metadata": {"annotations": annotations}}));
        assert_eq!(proposal.writes[0].target, Target::Deployment);
        assert_eq!(proposal.summary, "Its pods are warm for another 5m: main changes immediately.");
    }

    #[test]
    fn main_is_not_rolled_back_to_itself() {
        let refused =
            propose(&replaced(), "1.3.0", "1.3.0#x", &Comment::None, &me("bob"), at("2026-11-21T05:00:00Z"))
                .unwrap_err();
        assert!(refused.to_string().contains("1.3.0 is already main of fraud"));
    }

    #[test]
    fn a_rollback_carries_its_own_comment_and_not_that_of_the_rollback_before() {
        let mut md = replaced();
        md.annotations_mut().insert("understudy.dev/reason".to_owned(), "too slow".to_owned());
        let commented = |reason| {
            let comment = Comment::on_deployment(&md, reason)?;
            let now = at("2026-11-21T04:05:00Z");
            let proposal = propose(&md, "1.2.0", "1.2.0#x", &comment, &me("bob"), now)?;
            let annotations = proposal.writes[0].patch()["metadata"]["annotations"].clone();
            Ok::<_, Error>(annotations.get("understudy.dev/reason").cloned())
        };
        assert_eq!(commented(Some("false alarms")).unwrap(), Some(json!("false alarms")));
        assert_eq!(commented(None).unwrap(), Some(serde_json::Value::Null));
        assert!(commented(Some("too slow")).is_err());
    }
}
