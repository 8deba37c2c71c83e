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
/// The account of a network plugin that no value of the chart lists.
pub const NETWORK: Person =
    Person { name: "system:serviceaccount:calico-system:calico-cni", groups: SERVICE_ACCOUNT };
/// The chart lists it in `guard.writers`.
pub const MESH: Person = Person { name: "system:serviceaccount:mesh:injector", groups: SERVICE_ACCOUNT };
pub const SCHEDULER: Person = Person { name: "system:kube-scheduler", groups: PERSON };
pub const NODE: Person =
    Person { name: "system:node:node-1", groups: &["system:nodes", "system:authenticated"] };
pub const GARBAGE_COLLECTOR: Person =
    Person { name: "system:serviceaccount:kube-system:generic-garbage-collector", groups: SERVICE_ACCOUNT };

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
    Person { name, groups: SERVICE_ACCOUNT }
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
    all: Person { name: "system:kube-controller-manager", groups: PERSON },
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
