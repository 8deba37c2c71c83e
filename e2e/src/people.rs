//! The people of the stories.

/// A person with a client certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// The cluster administrator: the authorizer allows everything.
    Admin,
    /// The data scientist: publishes versions and requests stages.
    Alice,
    /// The colleague: approves and rolls back.
    Bob,
    /// The tester.
    Tess,
}

impl Person {
    /// The people with a role in each story's namespace.
    pub const TEAM: [Self; 3] = [Self::Alice, Self::Bob, Self::Tess];

    /// The name that the API server authenticates.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Tess => "tess",
        }
    }

    /// The group in the certificate.
    #[must_use]
    pub const fn group(self) -> &'static str {
        match self {
            Self::Admin => "system:masters",
            Self::Alice => "data-science",
            Self::Bob => "reviewers",
            Self::Tess => "testers",
        }
    }

    /// Verb, resource and name of a right that only this role of the team has.
    pub(crate) const fn own_right(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Admin => ("*", "*", ""),
            Self::Alice => ("request", "stages", "staging"),
            Self::Bob => ("approve", "stages", "staging"),
            Self::Tess => ("test", "stages", "staging"),
        }
    }

    /// The `ClusterRole` of the chart that is bound to this person.
    #[must_use]
    pub const fn role(self) -> &'static str {
        match self {
            Self::Admin => "cluster-admin",
            Self::Alice => "understudy-requester",
            Self::Bob => "understudy-approver",
            Self::Tess => "understudy-tester",
        }
    }
}
