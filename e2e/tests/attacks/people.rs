//! Who acts in the tests.

/// An authenticated name and its groups.
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
/// Has what a test gives her.
pub const CAROL: Person = Person { name: "carol", groups: PERSON };
/// Alice's second account, as the value `approval.identityExpression` of these tests folds it.
pub const ALICE_ADMIN: Person = Person { name: "alice-admin", groups: PERSON };
/// May do everything that the authorizer has a say in.
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

    /// Name and namespace as a binding's subject has them.
    pub fn subject(self) -> (String, Option<String>) {
        match self.name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')) {
            Some((namespace, name)) => (name.to_owned(), Some(namespace.to_owned())),
            None => (self.name.to_owned(), None),
        }
    }
}
