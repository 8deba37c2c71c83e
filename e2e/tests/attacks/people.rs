//! The people of these tests.

/// An authenticated user name and its groups.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub name: &'static str,
    pub groups: &'static [&'static str],
    /// Further facts, as an authenticator adds them.
    pub extra: &'static [(&'static str, &'static str)],
}

const PERSON: &[&str] = &["system:authenticated"];
const SERVICE_ACCOUNT: &[&str] = &["system:serviceaccounts", "system:authenticated"];

pub const ALICE: Person = Person { name: "alice", groups: PERSON, extra: &[] };
pub const BOB: Person = Person { name: "bob", groups: PERSON, extra: &[] };
pub const TESS: Person = Person { name: "tess", groups: PERSON, extra: &[] };
/// Has only the rights that a test adds.
pub const CAROL: Person = Person { name: "carol", groups: PERSON, extra: &[] };
/// Alice's second account. `approval.identityExpression` of these tests maps it to alice.
pub const ALICE_ADMIN: Person = Person { name: "alice-admin", groups: PERSON, extra: &[] };
/// A person who takes a role of AWS twice, and chooses another session name each time.
pub const SESSION_ONE: Person = session("arn:aws:sts::111122223333:assumed-role/ml-lead/one");
pub const SESSION_TWO: Person = session("arn:aws:sts::111122223333:assumed-role/ml-lead/two");
/// What EKS says about both sessions.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/ml-lead";

const fn session(name: &'static str) -> Person {
    Person { name, groups: PERSON, extra: &[("canonicalArn", ROLE)] }
}

/// The cluster administrator: the authorizer allows everything.
pub const ROOT: Person =
    Person { name: "root", groups: &["system:masters", "system:authenticated"], extra: &[] };
pub const OPERATOR: Person = Person {
    name: "system:serviceaccount:understudy-system:understudy-operator",
    groups: SERVICE_ACCOUNT,
    extra: &[],
};
pub const PIPELINE: Person =
    Person { name: "system:serviceaccount:ci:pipeline", groups: SERVICE_ACCOUNT, extra: &[] };
/// The account of a network plugin that no value of the chart lists.
pub const NETWORK: Person =
    Person { name: "system:serviceaccount:calico-system:calico-cni", groups: SERVICE_ACCOUNT, extra: &[] };
/// The chart lists it in `guard.writers`.
pub const MESH: Person =
    Person { name: "system:serviceaccount:mesh:injector", groups: SERVICE_ACCOUNT, extra: &[] };
pub const SCHEDULER: Person = Person { name: "system:kube-scheduler", groups: PERSON, extra: &[] };
pub const NODE: Person =
    Person { name: "system:node:node-1", groups: &["system:nodes", "system:authenticated"], extra: &[] };
pub const GARBAGE_COLLECTOR: Person = Person {
    name: "system:serviceaccount:kube-system:generic-garbage-collector",
    groups: SERVICE_ACCOUNT,
    extra: &[],
};

/// The controllers of Kubernetes, each with its account.
pub struct ControlPlaneAccounts {
    pub deployments: Person,
    pub replica_sets: Person,
    pub stateful_sets: Person,
    pub daemon_sets: Person,
    pub jobs: Person,
    pub replication_controllers: Person,
    pub endpoint_slices: Person,
    pub endpoints: Person,
    pub disruption: Person,
    pub nodes: Person,
    pub autoscaler: Person,
    /// Where all controllers have one account.
    pub all: Person,
}

const fn controller(name: &'static str) -> Person {
    Person { name, groups: SERVICE_ACCOUNT, extra: &[] }
}

pub const CONTROL_PLANE: ControlPlaneAccounts = ControlPlaneAccounts {
    deployments: controller("system:serviceaccount:kube-system:deployment-controller"),
    replica_sets: controller("system:serviceaccount:kube-system:replicaset-controller"),
    stateful_sets: controller("system:serviceaccount:kube-system:statefulset-controller"),
    daemon_sets: controller("system:serviceaccount:kube-system:daemon-set-controller"),
    jobs: controller("system:serviceaccount:kube-system:job-controller"),
    replication_controllers: controller("system:serviceaccount:kube-system:replication-controller"),
    endpoint_slices: controller("system:serviceaccount:kube-system:endpointslice-controller"),
    endpoints: controller("system:serviceaccount:kube-system:endpoint-controller"),
    disruption: controller("system:serviceaccount:kube-system:disruption-controller"),
    nodes: controller("system:serviceaccount:kube-system:node-controller"),
    autoscaler: controller("system:serviceaccount:kube-system:horizontal-pod-autoscaler"),
    all: Person { name: "system:kube-controller-manager", groups: PERSON, extra: &[] },
};

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
