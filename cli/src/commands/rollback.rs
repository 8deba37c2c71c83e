//! `rollback`

use clap::Args;
use jiff::Timestamp;
use kube::ResourceExt;
use understudy_crds::{
    ModelDeployment,
    annotations::{ROLLBACK, ROLLBACK_BY},
};

use crate::{
    error::Error,
    identity::{Act, Identity},
    perform::{Plan, perform},
    progress,
    session::Session,
    wait::Wait,
    when,
    write::{Target, Write},
};

/// Goes back to a version that was in Production before: at once, one person, on record.
#[derive(Debug, Args)]
#[command(after_help = "Example: kubectl understudy rollback fraud 1.2.0 -n risk --wait")]
pub struct Rollback {
    /// The deployment
    pub deployment: String,
    /// The version to go back to; else the one that was main before
    pub version: Option<String>,
    /// Waiting.
    #[command(flatten)]
    pub wait: Wait,
}

impl Rollback {
    /// Runs it.
    pub async fn run(self, session: &Session) -> Result<(), Error> {
        let name = self.deployment.strip_prefix("mdep/").unwrap_or(&self.deployment);
        let md = session.deployments().get(name).await.map_err(Error::api(Act::Read))?;
        let me = session.me(Act::Rollback).await?;
        let now = Timestamp::now();
        let version = target(&md, self.version.as_deref())?;
        let request = request(&version, now);
        let plan = plan(&md, &version, &request, &me, now)?;
        let Some((mut done, _)) = perform(session, &me, plan).await? else { return Ok(()) };
        if self.wait.wait {
            let progress = |md: &ModelDeployment| progress::rollback(md, &request);
            done.outcome = Some(self.wait.until(session.deployments(), name, progress).await?);
        }
        done.show(session);
        Ok(())
    }
}

/// The annotation's value: the version, and a suffix that makes a second rollback to it a new one.
fn request(version: &str, now: Timestamp) -> String {
    format!("{version}#{}", now.strftime("%Y%m%dT%H%M%S%.3fZ"))
}

fn target(md: &ModelDeployment, asked: Option<&str>) -> Result<String, Error> {
    let name = md.name_any();
    if let Some(asked) = asked {
        // The object's usual name is understood too.
        return Ok(asked.strip_prefix(&format!("{name}-")).unwrap_or(asked).to_owned());
    }
    let previous = md.status.as_ref().and_then(|s| s.previous.as_ref());
    previous.map(|p| p.version.clone()).ok_or_else(|| {
        Error::Refused(format!("no version was main of {name} before: say which one, kubectl understudy history {name} shows them"))
    })
}

fn plan(
    md: &ModelDeployment,
    version: &str,
    request: &str,
    me: &Identity,
    now: Timestamp,
) -> Result<Plan, Error> {
    let name = md.name_any();
    let main = md.main().map(|m| m.version.as_str());
    if main == Some(version) {
        return Err(Error::Refused(format!("{version} is main of {name} already")));
    }
    let warm = md
        .status
        .as_ref()
        .and_then(|s| s.previous.as_ref())
        .filter(|p| p.version == version && p.warm_until.0 > now)
        .map(|p| {
            format!(
                "Its pods are still warm, for {}: it takes one write.",
                when::age_until(&p.warm_until, now)
            )
        });
    let main = main.unwrap_or("nothing");
    Ok(Plan {
        act: Act::Rollback,
        summary: warm
            .unwrap_or_else(|| "Its pods are started first; main answers until they are ready.".to_owned()),
        question: format!("Roll {name} back as {}: {main} -> {version}, at once?", me.name),
        writes: vec![Write::annotate(
            Target::Deployment,
            &name,
            &[(ROLLBACK, request), (ROLLBACK_BY, &me.name)],
        )],
        done: format!("{} asked {name} to go back: {main} -> {version}", me.name),
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
    fn without_a_version_it_goes_to_the_one_before() {
        assert_eq!(target(&replaced(), None).unwrap(), "1.2.0");
        assert_eq!(target(&replaced(), Some("fraud-1.1.0")).unwrap(), "1.1.0");
        assert!(target(&deployment(json!({})), None).unwrap_err().to_string().contains("say which one"));
    }

    #[test]
    fn two_rollbacks_to_one_version_are_two_requests() {
        let (first, second) = (at("2026-11-21T04:05:00.001Z"), at("2026-11-21T04:05:00.002Z"));
        assert_eq!(request("1.2.0", first), "1.2.0#20261121T040500.001Z");
        assert_ne!(request("1.2.0", first), request("1.2.0", second));
    }

    #[test]
    fn a_rollback_is_one_patch_of_the_deployment_and_tells_whether_it_is_warm() {
        let now = at("2026-11-21T04:05:00Z");
        let plan = plan(&replaced(), "1.2.0", "1.2.0#x", &me("bob"), now).unwrap();
        let annotations = json!({"understudy.dev/rollback": "1.2.0#x", "understudy.dev/rollback-by": "bob"});
        assert_eq!(plan.writes[0].patch(), json!({"metadata": {"annotations": annotations}}));
        assert_eq!(plan.writes[0].target, Target::Deployment);
        assert_eq!(plan.summary, "Its pods are still warm, for 5m: it takes one write.");
    }

    #[test]
    fn main_is_not_rolled_back_to_itself() {
        let refused =
            plan(&replaced(), "1.3.0", "1.3.0#x", &me("bob"), at("2026-11-21T05:00:00Z")).unwrap_err();
        assert!(refused.to_string().contains("1.3.0 is main of fraud already"));
    }
}
