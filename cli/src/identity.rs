//! The acting user and their act.

use std::fmt;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::{Api, Client, api::PostParams};

/// The user as the API server authenticates them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User name.
    pub name: String,
    /// Groups, without `system:authenticated`.
    pub groups: Vec<String>,
}

impl Identity {
    /// Asks the API server, which resolves certificates, tokens and impersonation.
    pub async fn ask(client: &Client) -> Result<Self, kube::Error> {
        let review = Api::<SelfSubjectReview>::all(client.clone())
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await?;
        let user = review.status.and_then(|s| s.user_info).unwrap_or_default();
        let groups = user.groups.unwrap_or_default().into_iter().filter(|g| g != "system:authenticated");
        Ok(Self { name: user.username.unwrap_or_default(), groups: groups.collect() })
    }

    /// The flag of `kubectl create rolebinding` that names the user.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.name.strip_prefix("system:serviceaccount:") {
            Some(account) => format!("--serviceaccount={account}"),
            None => format!("--user={}", self.name),
        }
    }
}

/// How the messages of the approval policy begin that name the person behind the user name.
const DEMANDS: [&str; 4] = [
    "a change of spec.stage must carry the annotation ",
    "this approval must carry the annotation ",
    "this rejection must carry the annotation ",
    "a verdict must carry the annotation ",
];
/// The same for a rollback, whose message names two annotations.
const DEMANDS_IN_ROLLBACK: &str = "a rollback consists of the annotations ";

/// The name that the approval policy demands in the annotation `key`, if this is its message about it. The name differs from
/// the user name if the chart value `approval.identityExpression` makes another one of it.
#[must_use]
pub fn demanded<'a>(message: &'a str, key: &str) -> Option<&'a str> {
    let (_, words) = message.split_once(" denied request: ")?;
    let named = DEMANDS.iter().find_map(|demand| words.strip_prefix(demand));
    let name = match named {
        Some(named) => named.strip_prefix(key)?.strip_prefix(": ")?,
        None => words.strip_prefix(DEMANDS_IN_ROLLBACK)?.split_once(&format!(" and {key}: "))?.1,
    };
    (!name.is_empty()).then_some(name)
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.groups.is_empty() {
            write!(f, " (groups: {})", self.groups.join(", "))?;
        }
        Ok(())
    }
}

/// What a user does, and which `ClusterRole` allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Read objects.
    Read,
    /// Request a stage.
    Request,
    /// Withdraw a request.
    Withdraw,
    /// Approve a request.
    Approve,
    /// Reject a request.
    Reject,
    /// Record the verdict of a tester.
    Accept,
    /// Roll back to an earlier version.
    Rollback,
    /// Forward a local port to a pod.
    Open,
}

impl Act {
    /// The chart's `ClusterRole` that allows it; `None` if the chart has no role for it.
    #[must_use]
    pub const fn role(self) -> Option<&'static str> {
        match self {
            Self::Read => Some("understudy-viewer"),
            Self::Request | Self::Withdraw => Some("understudy-requester"),
            Self::Approve | Self::Reject | Self::Rollback => Some("understudy-approver"),
            Self::Accept => Some("understudy-tester"),
            Self::Open => None,
        }
    }

    /// The name of the act, which is that of the subcommand.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Request => "request",
            Self::Withdraw => "withdraw",
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Accept => "accept",
            Self::Rollback => "rollback",
            Self::Open => "open",
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rollback => "roll back",
            other => other.as_str(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use understudy_crds::annotations::{ACCEPTED_BY, APPROVED_BY, REJECTED_BY, REQUESTED_BY, ROLLBACK_BY};

    use super::*;

    fn denied(words: &str) -> String {
        format!(
            "modelversions.understudy.dev \"fraud-1.3.0\" is forbidden: ValidatingAdmissionPolicy 'understudy-approval' with binding 'understudy-approval' denied request: {words}"
        )
    }

    #[rstest]
    #[case("a change of spec.stage must carry the annotation understudy.dev/requested-by: ", REQUESTED_BY)]
    #[case("this approval must carry the annotation understudy.dev/approved-by: ", APPROVED_BY)]
    #[case("this rejection must carry the annotation understudy.dev/rejected-by: ", REJECTED_BY)]
    #[case("a verdict must carry the annotation understudy.dev/accepted-by: ", ACCEPTED_BY)]
    #[case(
        "a rollback consists of the annotations understudy.dev/rollback: <version>#<new suffix> and understudy.dev/rollback-by: ",
        ROLLBACK_BY
    )]
    fn the_policy_says_which_name_it_demands(#[case] words: &str, #[case] key: &str) {
        for name in ["arn:aws:iam::111122223333:role/Team: risk", "alice@example.com"] {
            assert_eq!(demanded(&denied(&format!("{words}{name}")), key), Some(name));
        }
        assert_eq!(demanded(&denied(words), key), None);
        // The plugin never writes a name for which it has no annotation.
        for other in [REQUESTED_BY, APPROVED_BY, REJECTED_BY, ACCEPTED_BY, ROLLBACK_BY] {
            if other != key {
                assert_eq!(demanded(&denied(&format!("{words}alice")), other), None, "{other}");
            }
        }
    }

    #[rstest]
    #[case("four eyes: alice requested this transition, somebody else must approve it")]
    #[case(
        "mallory may not approve: this approval must carry the annotation understudy.dev/approved-by: mallory"
    )]
    fn other_refusals_name_nobody(#[case] words: &str) {
        assert_eq!(demanded(&denied(words), APPROVED_BY), None);
        assert_eq!(demanded(words, APPROVED_BY), None);
    }

    #[test]
    fn the_messages_are_those_of_the_policy() {
        let policy = include_str!("../../charts/understudy/templates/_approval.tpl");
        for part in [
            DEMANDS[0],
            DEMANDS[3],
            DEMANDS_IN_ROLLBACK,
            "'this ' + variables.decision + ' must carry the annotation ' + variables.decisionKeys[1] + ': ' + variables.me",
        ] {
            assert!(policy.contains(part), "{part}");
        }
        assert!(policy.contains("variables.approves ? 'approval' : 'rejection'"));
    }
}
