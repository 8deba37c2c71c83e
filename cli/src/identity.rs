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
