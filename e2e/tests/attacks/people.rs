//! The people of these tests.

/// An authenticated user name and its groups.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    pub groups: &'static [&'static str],
}

const PERSON: &[&str] = &["system:authenticated"];
const SERVICE_ACCOUNT: &[&str] = &["system:serviceaccounts", "system:authenticated"];

pub const ALICE: Person = Person { name: "alice", groups: PERSON };
pub const BOB: Person = Person { name: "bob", groups: PERSON };
pub const TESS: Person = Person { name: "tess", groups: PERSON };
/// Has only the rights that a test adds.
pub const CAROL: Person = Person { name: "carol", groups: PERSON };
/// Alice's second account. `approval.identityExpression` of these tests maps it to alice.
pub const ALICE_ADMIN: Person = Person { name: "alice-admin", groups: PERSON };
/// The cluster administrator: the authorizer allows everything.
pub const ROOT: Person = Person { name: "root", groups: &["system:masters", "system:authenticated"] };
pub const OPERATOR: Person =
    Person { name: "system:serviceaccount:understudy-system:understudy-operator", groups: SERVICE_ACCOUNT };
pub const PIPELINE: Person = Person { name: "system:serviceaccount:ci:pipeline", groups: SERVICE_ACCOUNT };
pub const GARBAGE_COLLECTOR: Person =
    Person { name: "system:serviceaccount:kube-system:generic-garbage-collector", groups: SERVICE_ACCOUNT };

impl Person {
    pub fn is_service_account(self) -> bool {
        self.name.starts_with("system:serviceaccount:")
    }

    /// Name and namespace in the subject of a binding.
    pub fn subject(self) -> (String, Option<String>) {
        match self.name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
            Some((namespace, name)) => (name.to_owned(), Some(namespace.to_owned())),
            None => (self.name.to_owned(), None),
        }
    }
}
