//! Who acts, and which act it is: an approval is worth only as much as the name on it.

use std::fmt;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::{Api, Client, api::PostParams};

/// The person as the API server knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User name.
    pub name: String,
    /// Groups, those that everybody is in left out.
    pub groups: Vec<String>,
}

impl Identity {
    /// Asks the API server, which sees through certificates, tokens and impersonation.
    pub async fn ask(client: &Client) -> Result<Self, kube::Error> {
        let review = Api::<SelfSubjectReview>::all(client.clone())
            .create(&PostParams::default(), &SelfSubjectReview::default())
            .await?;
        let user = review.status.and_then(|s| s.user_info).unwrap_or_default();
        let groups = user.groups.unwrap_or_default().into_iter().filter(|g| g != "system:authenticated");
        Ok(Self { name: user.username.unwrap_or_default(), groups: groups.collect() })
    }

    /// The flags by which `kubectl create rolebinding` names them.
    #[must_use]
    pub fn subject(&self) -> String {
        match self.name.strip_prefix("system:serviceaccount:") {
            Some(account) => format!("--serviceaccount={account}"),
            None => format!("--user={}", self.name),
        }
    }
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

/// What a person does. Each takes a role of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Look.
    Read,
    /// Ask for a stage.
    Request,
    /// Take a request back.
    Withdraw,
    /// Approve.
    Approve,
    /// Reject.
    Reject,
    /// Give a tester's verdict.
    Accept,
    /// Go back to an earlier version.
    Rollback,
    /// Reach a pod.
    Open,
}

impl Act {
    /// The chart's role that allows it; `None` for what the cluster's own roles are for.
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

    /// The subcommand's name.
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
